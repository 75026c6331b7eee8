#include "kerf/engine/block_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::ElementsAre;

const std::vector<int32_t> kA = {1, 2};
const std::vector<int32_t> kB = {3, 4};
const std::vector<int32_t> kC = {5, 6};

TEST(BlockPool, ABlockWithoutAHolderKeepsItsContentUntilItsRoomIsNeeded) {
  BlockPool pool(3, 2);
  std::vector<int32_t> blocks;
  ASSERT_TRUE(pool.allocate(2, blocks));
  (void)pool.publish(kNoContent, kA, blocks[0]);
  pool.free(blocks);
  EXPECT_EQ(pool.num_free(), 3);
  EXPECT_EQ(pool.num_cached(), 1);
  std::vector<int32_t> others;
  ASSERT_TRUE(pool.allocate(2, others));
  EXPECT_TRUE(pool.find(kNoContent, kA).has_value()) << "blocks without a content go first";
  ASSERT_TRUE(pool.allocate(1, others));
  EXPECT_FALSE(pool.find(kNoContent, kA).has_value());
  EXPECT_EQ(others.back(), blocks[0]);
  EXPECT_FALSE(pool.allocate(1, others));
}

TEST(BlockPool, ABlockIsFreeWhenItsLastHolderLetsGo) {
  BlockPool pool(1, 2);
  std::vector<int32_t> blocks;
  ASSERT_TRUE(pool.allocate(1, blocks));
  (void)pool.publish(kNoContent, kA, blocks[0]);
  pool.hold(blocks[0]);
  EXPECT_EQ(pool.holders(blocks[0]), 2);
  pool.free(blocks);
  EXPECT_EQ(pool.num_free(), 0);
  pool.free(blocks);
  EXPECT_EQ(pool.num_free(), 1);
  pool.hold(blocks[0]);
  EXPECT_EQ(pool.num_free(), 0) << "found again, it is in use";
}

TEST(BlockPool, WhatWasUsedLongestAgoIsForgottenFirst) {
  BlockPool pool(3, 2);
  std::vector<int32_t> blocks;
  ASSERT_TRUE(pool.allocate(3, blocks));
  (void)pool.publish(kNoContent, kA, blocks[0]);
  (void)pool.publish(kNoContent, kB, blocks[1]);
  (void)pool.publish(kNoContent, kC, blocks[2]);
  for (const int32_t block : blocks) pool.free(std::span(&block, 1));
  pool.hold(blocks[0]);
  pool.free(std::span(blocks).first(1));
  std::vector<int32_t> others;
  ASSERT_TRUE(pool.allocate(3, others));
  EXPECT_THAT(others, ElementsAre(blocks[1], blocks[2], blocks[0]));
}

TEST(BlockPool, APrefixOutlivesWhatFollowsIt) {
  BlockPool pool(2, 2);
  std::vector<int32_t> blocks;
  ASSERT_TRUE(pool.allocate(2, blocks));
  const ContentId a = pool.publish(kNoContent, kA, blocks[0]).value();
  (void)pool.publish(a, kB, blocks[1]);
  pool.free(blocks);
  std::vector<int32_t> others;
  ASSERT_TRUE(pool.allocate(1, others));
  EXPECT_TRUE(pool.find(kNoContent, kA).has_value());
  EXPECT_FALSE(pool.find(a, kB).has_value());
}

}  // namespace
}  // namespace kerf
