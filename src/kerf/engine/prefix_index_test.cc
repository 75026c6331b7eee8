#include "kerf/engine/prefix_index.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

const std::vector<int32_t> kA = {1, 2, 3, 4};
const std::vector<int32_t> kB = {5, 6, 7, 8};

TEST(PrefixIndex, FindsTokensOnlyAfterWhatCameBeforeThem) {
  PrefixIndex index(8);
  const ContentId a = index.insert(kNoContent, kA, 3).value();
  const ContentId ab = index.insert(a, kB, 5).value();
  EXPECT_EQ(index.find(kNoContent, kA)->block, 3);
  EXPECT_EQ(index.find(a, kB)->block, 5);
  EXPECT_EQ(index.find(a, kB)->content, ab);
  EXPECT_FALSE(index.find(kNoContent, kB).has_value());
  EXPECT_FALSE(index.find(ab, kB).has_value());
  EXPECT_FALSE(index.find(a, kA).has_value());
}

TEST(PrefixIndex, TheFirstBlockOfAContentStays) {
  PrefixIndex index(8);
  const ContentId a = index.insert(kNoContent, kA, 3).value();
  EXPECT_EQ(index.insert(kNoContent, kA, 4), a);
  EXPECT_FALSE(index.holds(4));
  EXPECT_EQ(index.find(kNoContent, kA)->block, 3);
}

TEST(PrefixIndex, WhatComesAfterAForgottenBlockIsNotFoundThroughItsSuccessor) {
  PrefixIndex index(8);
  const ContentId a = index.insert(kNoContent, kA, 0).value();
  (void)index.insert(a, kB, 1);
  index.erase(0);
  EXPECT_FALSE(index.find(kNoContent, kA).has_value());
  const ContentId again = index.insert(kNoContent, kA, 2).value();
  EXPECT_NE(again, a);
  EXPECT_FALSE(index.find(again, kB).has_value());
}

TEST(PrefixIndex, ACollisionCostsAHitAndNeverGivesAnotherPrefix) {
  PrefixIndex index(8, 0);  // every hash is 0
  ASSERT_TRUE(index.insert(kNoContent, kA, 0).has_value());
  EXPECT_FALSE(index.find(kNoContent, kB).has_value());
  EXPECT_FALSE(index.insert(kNoContent, kB, 1).has_value());
  EXPECT_FALSE(index.holds(1));
  EXPECT_EQ(index.find(kNoContent, kA)->block, 0);
  index.erase(0);
  EXPECT_TRUE(index.insert(kNoContent, kB, 1).has_value());
}

}  // namespace
}  // namespace kerf
