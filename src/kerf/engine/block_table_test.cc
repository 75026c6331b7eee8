#include "kerf/engine/block_table.h"

#include <gtest/gtest.h>

#include <algorithm>
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
