#include "kerf/apps/auto_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/kerf/apps/llama_for_test.h"
#include "src/kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

bool has(const std::vector<PlannedCut>& cuts, int tp, int pp) {
  return std::ranges::any_of(cuts, [&](const PlannedCut& c) { return c.plan.tp == tp && c.plan.pp == pp; });
}

TEST(PlanCuts, TriesEveryCutThatTheCoresAllow) {
  const auto cuts = plan_cuts(testing::llama(3, 256), DType::kBF16, testing::probed_machine(), {});
  EXPECT_TRUE(has(cuts, 1, 1) && has(cuts, 2, 2) && has(cuts, 4, 1) && has(cuts, 3, 1) && has(cuts, 1, 3));
  EXPECT_FALSE(has(cuts, 1, 4)) << "the model has 3 layers";
  EXPECT_FALSE(has(cuts, 4, 2)) << "the machine has 4 cores";
}

TEST(PlanCuts, StartsNoRanksForASmallGain) {
  const auto cuts = plan_cuts(testing::llama(4, 128), DType::kBF16, testing::probed_machine(), {.output_tokens = 16});
  EXPECT_EQ(cuts.front().plan.ranks(), 1) << "the whole job is shorter than the start of mpirun";
}

TEST(PlanCuts, UsesRanksWhereThreadsAreOfNoUse) {
  // One thread a rank is all the user allows: two ranks read weights twice as fast as one.
  const auto cuts = plan_cuts(testing::llama(16, 2048), DType::kBF16, testing::probed_machine(),
                              {.output_tokens = 500, .threads = 1});
  EXPECT_GE(cuts.front().plan.tp, 2);
}

TEST(PlanCuts, CanBeAskedForANumberOfRanks) {
  for (const PlannedCut& cut : plan_cuts(testing::llama(4, 256), DType::kBF16, testing::probed_machine(), {}, 4)) {
    EXPECT_EQ(cut.plan.ranks(), 4);
  }
}

TEST(PlanCuts, AscendInTime) {
  const auto cuts = plan_cuts(testing::llama(4, 256), DType::kBF16, testing::probed_machine(), {});
  for (size_t i = 2; i < cuts.size(); ++i) EXPECT_LE(cuts[i - 1].total_s, cuts[i].total_s);
}

TEST(DescribeChoice, IsOneLineWithTheRunnerUp) {
  const std::vector<PlannedCut> cuts = {{.plan = {.tp = 2}, .tokens_per_s = 50, .comm_fraction = 0.04, .start_s = 0.3},
                                        {.plan = {}, .threads = 2, .tokens_per_s = 40}};
  EXPECT_EQ(describe_choice(cuts),
            "cut: tp 2: 50.0 tokens/s predicted, 4 % of it in collectives; next is tp 1 with 2 threads, 20 % slower");
  EXPECT_THAT(
      describe_choice({{.plan = {}, .tokens_per_s = 40}, {.plan = {.tp = 2}, .tokens_per_s = 50, .start_s = 0.3}}),
      HasSubstr("starting ranks"));
}

TEST(DescribeOverride, NamesThePriceRelativeToTheBest) {
  const PlannedCut best{.plan = {.tp = 2}, .tokens_per_s = 20};
  EXPECT_EQ(describe_override({.plan = {.pp = 2}, .tokens_per_s = 13.2}, best),
            "pp 2: 13.2 tokens/s predicted, 34 % slower than tp 2");
  EXPECT_THAT(describe_override({.plan = {.tp = 2}, .tokens_per_s = 20}, best), HasSubstr("kerf's choice"));
}

}  // namespace
}  // namespace kerf
