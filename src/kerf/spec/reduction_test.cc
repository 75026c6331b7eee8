#include "kerf/spec/reduction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

namespace kerf {
namespace {

// Evaluates a program on strings, so that the result spells out the order of summation.
std::vector<std::string> run(const MergeProgram& program, const std::vector<std::string>& items) {
  EXPECT_EQ(program.merges.size(), items.size());
  std::vector<std::string> stack;
  size_t deepest = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    stack.push_back(items[i]);
    deepest = std::max(deepest, stack.size());
    for (int merge = 0; merge < program.merges[i]; ++merge) {
      const std::string right = stack.back();
      stack.pop_back();
      stack.back() = "(" + stack.back() + "+" + right + ")";
    }
  }
  EXPECT_EQ(stack.size(), static_cast<size_t>(program.results));
  EXPECT_EQ(deepest, static_cast<size_t>(program.depth));
  return stack;
}

std::string spell(const std::vector<int64_t>& bounds) {
  const ReductionTree tree(bounds);
  std::vector<std::string> nodes;
  for (int rank = 0; rank < tree.ranks(); ++rank) {
    std::vector<std::string> leaves;
    for (int64_t s = bounds[static_cast<size_t>(rank)]; s < bounds[static_cast<size_t>(rank) + 1]; ++s) {
      leaves.push_back(std::to_string(s));
    }
    for (const auto& node : run(tree.local(rank), leaves)) nodes.push_back(node);
  }
  return run(tree.finish(), nodes).front();
}

TEST(EvenBounds, GivesEveryUnitToExactlyOnePart) {
  EXPECT_EQ(even_bounds(61, 4), (std::vector<int64_t>{0, 15, 30, 45, 61}));
  EXPECT_EQ(even_bounds(28, 16)[8], 14);
  EXPECT_EQ(even_bounds(2, 4), (std::vector<int64_t>{0, 0, 1, 1, 2}));
}

TEST(WeightedBounds, FollowsTheWeightsAndLeavesNobodyEmpty) {
  EXPECT_EQ(weighted_bounds(8, {3, 1}), (std::vector<int64_t>{0, 6, 8}));
  EXPECT_EQ(weighted_bounds(8, {1000, 1, 1}), (std::vector<int64_t>{0, 6, 7, 8}));
  EXPECT_EQ(weighted_bounds(8, {1, 1, 1000}), (std::vector<int64_t>{0, 1, 2, 8}));
  EXPECT_EQ(weighted_bounds(16, {1, 1, 1, 1}), even_bounds(16, 4));
}

TEST(ReductionTree, OrderOfSummationIsTheSameForEveryCut) {
  for (int slices = 1; slices <= kMaxSlices; ++slices) {
    const std::string whole = spell({0, slices});
    for (int ranks = 1; ranks <= slices; ++ranks) {
      EXPECT_EQ(spell(even_bounds(slices, ranks)), whole) << slices << " slices on " << ranks;
    }
  }
  std::mt19937 rng(7);
  for (int round = 0; round < 300; ++round) {
    const int slices = 2 + static_cast<int>(rng() % 15);
    std::vector<int64_t> bounds = {0};
    for (int s = 1; s < slices; ++s) {
      if (rng() % 2 == 0) bounds.push_back(s);
    }
    bounds.push_back(slices);
    EXPECT_EQ(spell(bounds), spell({0, slices}));
  }
}

TEST(ReductionTree, PowersOfTwoNeedOneNodePerRankAndRecursiveDoubling) {
  EXPECT_EQ(spell({0, 4}), "((0+1)+(2+3))");
  for (const int slices : {8, 16}) {
    for (int ranks = 1; ranks <= slices; ranks *= 2) {
      const ReductionTree tree(even_bounds(slices, ranks));
      EXPECT_EQ(tree.max_nodes(), 1);
      EXPECT_TRUE(tree.is_recursive_doubling()) << slices << " on " << ranks;
    }
  }
  EXPECT_FALSE(ReductionTree({0, 6, 8}).is_recursive_doubling());
  EXPECT_EQ(ReductionTree({0, 6, 8}).nodes(0), 2);
  EXPECT_EQ(ReductionTree({0, 6, 8}).nodes(1), 1);
}

}  // namespace
}  // namespace kerf
