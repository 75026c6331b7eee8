#include "kerf/base/cores.h"

#include <gtest/gtest.h>

#include <set>

namespace kerf {
namespace {

TEST(Cores, RanksThatFillAHostShareItOutWithoutMeeting) {
  const std::vector<int> allowed = {0, 1, 2, 3, 8, 9, 10, 11};
  for (const int ranks : {1, 2, 4, 8}) {
    const int threads = 8 / ranks;
    std::multiset<int> taken;
    for (int index = 0; index < ranks; ++index) {
      const std::vector<int> own = choose_cores(allowed, {index, ranks}, threads);
      EXPECT_EQ(own.size(), static_cast<size_t>(threads));
      taken.insert(own.begin(), own.end());
    }
    EXPECT_EQ(taken, std::multiset<int>(allowed.begin(), allowed.end()));
  }
}

TEST(Cores, NothingIsPinnedWhereCoresAreTooFewOrLeftOver) {
  EXPECT_TRUE(choose_cores({0, 1}, {0, 2}, 2).empty());
  EXPECT_TRUE(choose_cores({0, 1}, {0, 2}, 2, true).empty());
  EXPECT_TRUE(choose_cores({0, 1, 2, 3}, {0, 1}, 2).empty());
  EXPECT_EQ(choose_cores({0, 1, 2, 3}, {1, 2}, 1, true), std::vector<int>{1});
}

}  // namespace
}  // namespace kerf
