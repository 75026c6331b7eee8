#include "kerf/engine/block_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace kerf {
namespace {

TEST(BlockTable, GrowsByWholeBlocksAndKeepsWhatItHas) {
  BlockPool pool(4, 64);
  BlockTable table;
  ASSERT_TRUE(table.grow_to(0, pool));
  EXPECT_EQ(table.ids().size(), 0U);
  ASSERT_TRUE(table.grow_to(1, pool));
  const int32_t first = table.ids()[0];
  ASSERT_TRUE(table.grow_to(64, pool));
  EXPECT_EQ(table.ids().size(), 1U);
  ASSERT_TRUE(table.grow_to(65, pool));
  ASSERT_TRUE(table.grow_to(3, pool));
  EXPECT_EQ(table.ids().size(), 2U);
  EXPECT_EQ(table.ids()[0], first);
  EXPECT_EQ(pool.num_free(), 2);
}

TEST(BlockTable, WhenThePoolIsShortNothingChanges) {
  BlockPool pool(2, 16);
  BlockTable table;
  ASSERT_TRUE(table.grow_to(16, pool));
  EXPECT_FALSE(table.grow_to(49, pool));
  EXPECT_EQ(table.ids().size(), 1U);
  EXPECT_EQ(pool.num_free(), 1);
  EXPECT_TRUE(table.grow_to(32, pool));
  EXPECT_EQ(pool.num_free(), 0);
}

TEST(BlockTableDeathTest, FreeingABlockTwiceIsABrokenInvariant) {
  BlockPool pool(2, 16);
  std::vector<int32_t> blocks;
  ASSERT_TRUE(pool.allocate(1, blocks));
  pool.free(blocks);
  EXPECT_DEATH(pool.free(blocks), "nobody holds");
}

TEST(BlockTable, StartsWithTheBlocksThatOthersHaveFilled) {
  BlockPool pool(7, 4);
  std::vector<int32_t> tokens(10);
  std::iota(tokens.begin(), tokens.end(), 1);
  BlockTable first;
  EXPECT_EQ(first.start(tokens, true, 0, pool), 0);
  first.publish(tokens, 6, pool);  // one whole block
  BlockTable second;
  EXPECT_EQ(second.start(tokens, true, 0, pool), 4);
  EXPECT_EQ(second.ids()[0], first.ids()[0]);
  EXPECT_NE(second.ids()[1], first.ids()[1]);
  first.publish(tokens, 10, pool);  // another one
  first.release(pool);
  BlockTable third;
  EXPECT_EQ(third.start(tokens, true, 0, pool), 8) << "their holder is gone, their content is not";
  BlockTable exact;
  EXPECT_EQ(exact.start(std::span(tokens).first(8), true, 0, pool), 4) << "the last token's logits are wanted";
  BlockTable without;
  EXPECT_EQ(without.start(std::span(tokens).first(5), false, 0, pool), std::nullopt) << "two blocks, one is free";
  exact.release(pool);
  EXPECT_EQ(without.start(std::span(tokens).first(5), false, 0, pool), 0) << "told not to look";
}

TEST(BlockTable, DoesNotStartWhereTooLittleWouldRemain) {
  BlockPool pool(4, 4);
  std::vector<int32_t> tokens(8, 1);
  BlockTable table;
  EXPECT_EQ(table.start(tokens, true, 3, pool), std::nullopt);
  EXPECT_EQ(pool.num_free(), 4);
  EXPECT_EQ(table.start(tokens, true, 2, pool), 0);
}

TEST(BlockTable, ABlockThatAnotherHasFilledAlreadyIsKeptButNotFound) {
  BlockPool pool(4, 4);
  const std::vector<int32_t> tokens = {1, 2, 3, 4, 5};
  BlockTable first;
  BlockTable second;
  EXPECT_EQ(first.start(tokens, true, 0, pool), 0);
  EXPECT_EQ(second.start(tokens, true, 0, pool), 0);
  first.publish(tokens, 5, pool);
  second.publish(tokens, 5, pool);
  second.release(pool);
  EXPECT_EQ(pool.num_cached(), 0) << "the same content twice is worth nothing";
  first.release(pool);
  EXPECT_EQ(pool.num_cached(), 1);
}

TEST(BlockTable, RandomGrowthAndReleaseNeverSharesOrLeaksABlock) {
  constexpr int64_t kBlocks = 37;
  BlockPool pool(kBlocks, 8);
  std::vector<BlockTable> tables(9);
  std::mt19937_64 rng(3);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    BlockTable& table = tables[rng() % tables.size()];
    if (rng() % 4 == 0) {
      table.release(pool);
    } else {
      refused += table.grow_to(static_cast<int64_t>(rng() % 100), pool) ? 0 : 1;
    }
    std::set<int32_t> held;
    size_t total = 0;
    for (const BlockTable& t : tables) {
      held.insert(t.ids().begin(), t.ids().end());
      total += t.ids().size();
    }
    ASSERT_EQ(held.size(), total) << "a block is in two tables";
    ASSERT_EQ(static_cast<int64_t>(total) + pool.num_free(), kBlocks);
    ASSERT_TRUE(std::all_of(held.begin(), held.end(), [](int32_t id) { return id >= 0 && id < kBlocks; }));
  }
  EXPECT_GT(refused, 0);
  for (BlockTable& table : tables) table.release(pool);
  EXPECT_EQ(pool.num_free(), kBlocks);
}

}  // namespace
}  // namespace kerf
