#include "kerf/apps/fleet_plan.h"

#include <gtest/gtest.h>

#include "kerf/mesh/partition.h"
#include "src/kerf/apps/llama_for_test.h"
#include "src/kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

std::vector<PlannedCut> fleets(const FleetWork& work) {
  return plan_fleets(testing::llama(4, 256), DType::kBF16, testing::probed_machine(), work);
}

TEST(PlanFleets, EveryPlanKeepsToTheCoresAndIsThereOnce) {
  const int cores = testing::probed_machine().host.cores;
  const auto all = fleets({.work = {.sequences = 16}});
  std::vector<std::array<int, 3>> seen;
  for (const PlannedCut& cut : all) {
    EXPECT_LE(cut.plan.ranks() * cut.plan.dp * cut.threads, cores);
    seen.push_back({cut.plan.tp, cut.plan.pp, cut.plan.dp});
  }
  std::ranges::sort(seen);
  EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
  EXPECT_TRUE(std::ranges::binary_search(seen, std::array{1, 1, cores}));
  EXPECT_TRUE(std::ranges::binary_search(seen, std::array{2, 1, cores / 2}));
}

TEST(PlanFleets, OneSequenceNeedsNoSecondReplica) {
  for (const PlannedCut& cut : fleets({.work = {.sequences = 1}})) EXPECT_EQ(cut.plan.dp, 1);
}

TEST(PlanFleets, ReplicasThatDoNotFitTogetherAreNotPlanned) {
  for (const PlannedCut& cut : fleets({.work = {.sequences = 16}, .memory_bytes = 1000})) EXPECT_EQ(cut.plan.dp, 1);
}

TEST(PlanFleets, TheFirstIsWithinAPredictionsErrorOfTheBestAndHasTheFewestProcesses) {
  const auto all = fleets({.work = {.sequences = 16}});
  double best = 0;
  for (const PlannedCut& cut : all) best = std::max(best, cut.tokens_per_s);
  const PlannedCut& chosen = all.front();
  EXPECT_GE(chosen.tokens_per_s, best / 1.05);
  for (const PlannedCut& cut : all) {
    if (cut.tokens_per_s < best / 1.05) continue;
    EXPECT_LE(chosen.plan.ranks() * chosen.plan.dp, cut.plan.ranks() * cut.plan.dp);
  }
}

TEST(PlanFleets, AreNamedByAllTheirAxes) {
  EXPECT_EQ(cut_name({.dp = 2}), "dp 2");
  EXPECT_EQ(cut_name({.tp = 2, .dp = 3}), "dp 3 x tp 2");
}

}  // namespace
}  // namespace kerf
