#include "kerf/serve/core_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ShareCores, EveryCoreHasOneOwnerAndTheSharesAreEven) {
  for (int count = 1; count <= 40; ++count) {
    std::vector<int> cores(static_cast<size_t>(count));
    std::iota(cores.begin(), cores.end(), 100);
    for (int shares = 1; shares <= count; ++shares) {
      std::vector<int> owned;
      for (const std::vector<int>& share : share_cores(cores, shares)) {
        EXPECT_GE(static_cast<int>(share.size()), count / shares);
        EXPECT_LE(static_cast<int>(share.size()), count / shares + 1);
        owned.insert(owned.end(), share.begin(), share.end());
      }
      EXPECT_EQ(owned, cores) << count << " cores, " << shares << " shares";
    }
  }
}

TEST(ShareCores, MoreSharesThanCoresTakeTurns) {
  EXPECT_THAT(share_cores({4, 7}, 3), ElementsAre(ElementsAre(4), ElementsAre(7), ElementsAre(4)));
}

TEST(ShareCores, OfNoCoresThereIsNothing) { EXPECT_THAT(share_cores({}, 2), ElementsAre(IsEmpty(), IsEmpty())); }

}  // namespace
}  // namespace kerf
