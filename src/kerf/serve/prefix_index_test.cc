#include "kerf/serve/prefix_index.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace kerf {
namespace {

std::vector<int32_t> tokens(int first, int count) {
  std::vector<int32_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), first);
  return all;
}

TEST(PrefixIndex, FindsWholeBlocksOfTheCommonBeginning) {
  PrefixIndex index(4, 100);
  EXPECT_EQ(index.match(tokens(0, 16)), 0);
  index.insert(tokens(0, 10));
  EXPECT_EQ(index.match(tokens(0, 16)), 8);
  EXPECT_EQ(index.match(tokens(0, 7)), 4);
  EXPECT_EQ(index.match(tokens(0, 3)), 0);
}

TEST(PrefixIndex, EqualTokensAfterAnotherBeginningAreNoPrefix) {
  PrefixIndex index(4, 100);
  index.insert(tokens(0, 8));
  std::vector<int32_t> other = tokens(0, 8);
  other[0] = 77;
  EXPECT_EQ(index.match(other), 0);
}

TEST(PrefixIndex, ForgetsWhatWasNotAskedForLongest) {
  PrefixIndex index(4, 2);
  index.insert(tokens(0, 4));
  index.insert(tokens(100, 4));
  index.insert(tokens(0, 4));  // again
  index.insert(tokens(200, 4));
  EXPECT_EQ(index.match(tokens(0, 4)), 4);
  EXPECT_EQ(index.match(tokens(100, 4)), 0);
  EXPECT_EQ(index.match(tokens(200, 4)), 4);
}

}  // namespace
}  // namespace kerf
