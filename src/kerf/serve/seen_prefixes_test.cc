#include "kerf/serve/seen_prefixes.h"

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

TEST(SeenPrefixes, FindsWholeBlocksOfTheCommonBeginning) {
  SeenPrefixes index(4, 100);
  EXPECT_EQ(index.match(tokens(0, 16)), 0);
  index.insert(tokens(0, 10));
  EXPECT_EQ(index.match(tokens(0, 16)), 8);
  EXPECT_EQ(index.match(tokens(0, 7)), 4);
  EXPECT_EQ(index.match(tokens(0, 3)), 0);
}

TEST(SeenPrefixes, EqualTokensAfterAnotherBeginningAreNoPrefix) {
  SeenPrefixes index(4, 100);
  index.insert(tokens(0, 8));
  std::vector<int32_t> other = tokens(0, 8);
  other[0] = 77;
  EXPECT_EQ(index.match(other), 0);
}

TEST(SeenPrefixes, ForgetsWhatWasNotAskedForLongest) {
  SeenPrefixes index(4, 2);
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
