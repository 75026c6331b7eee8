#include "kerf/planner/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kerf/planner/planner_test_support.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

Explanation explained(const PlanProblem& problem) {
  const SearchResult result = search(problem, toy_predictor());
  return explain(problem, result, toy_predictor());
}

PlanProblem latency_problem(int nodes, int per_node, double concurrency) {
  PlanProblem problem = toy_problem(1);
  problem.machine = toy_machine(nodes, per_node);
  problem.workload.concurrency = concurrency;
  problem.workload.objective = Objective::kLatency;
  return problem;
}

TEST(Shares, AddUpToTheStep) {
  const StepCost step{.weights_s = 3, .all_reduce_s = 1, .bubble_s = 4};
  const std::vector<Share> parts = shares(step);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "weights");
  EXPECT_DOUBLE_EQ(parts[2].share, 0.5);
}

TEST(Explanation, NamesWhatBinds) {
  EXPECT_EQ(explained(latency_problem(1, 1, 1)).constraint, Constraint::kMemoryBandwidth);
  const Explanation busy = explained(latency_problem(1, 1, 1024));
  EXPECT_EQ(busy.constraint, Constraint::kCompute);
  EXPECT_THAT(busy.binding, HasSubstr("Compute binds: "));
  PlanProblem far = latency_problem(1, 8, 1);
  far.machine.link_kinds[0].latency_us = 300;
  far.machine.device_kinds[0].memory_bytes = 4e8;  // one device cannot hold it: communication is unavoidable
  EXPECT_EQ(explained(far).constraint, Constraint::kCommunicationLatency);
}

TEST(Explanation, SaysWhenTheSloBinds) {
  PlanProblem problem = toy_problem(8);
  problem.workload.concurrency = 256;
  const Candidate free = search(problem, toy_predictor()).ranked.front();
  problem.workload.slo_ttft_ms = 0.8 * free.ttft_ms;
  EXPECT_EQ(explained(problem).constraint, Constraint::kSlo);
  problem.workload.slo_ttft_ms = 0.001;
  EXPECT_THAT(explained(problem).binding, HasSubstr("No plan meets the SLO"));
}

TEST(Explanation, RunnerUpIsAnotherCutAndSaysHowFarBehind) {
  const Explanation explanation = explained(latency_problem(1, 8, 8));
  ASSERT_TRUE(explanation.runner_up.has_value());
  EXPECT_NE(explanation.runner_up->cut.tp, 8);
  EXPECT_GT(explanation.runner_up_behind, 0);
  EXPECT_THAT(explanation.runner_up_message, HasSubstr("less"));
}

TEST(Explanation, StandsBesideTheCommonDefault) {
  const PlanProblem problem = latency_problem(2, 4, 8);
  const Explanation explanation = explained(problem);
  EXPECT_TRUE((explanation.baseline.cut.same_shape({.tp = 4, .pp = 2})));
  ASSERT_TRUE(explanation.baseline.candidate.has_value());
  EXPECT_GE(explanation.baseline.advantage, 0);

  const Explanation odd = explained(latency_problem(1, 6, 8));  // 8 heads on 6
  EXPECT_FALSE(odd.baseline.candidate.has_value());
  EXPECT_THAT(odd.baseline.message, HasSubstr("cannot be"));
}

TEST(Flips, AreWhereTheSearchItselfChangesItsMind) {
  PlanProblem problem = latency_problem(1, 8, 8);
  const SearchResult result = search(problem, toy_predictor());
  const std::vector<Flip> flips = find_flips(problem, result.ranked, toy_predictor());
  const auto flip = std::ranges::find(flips, std::string("concurrency"), &Flip::knob);
  ASSERT_NE(flip, flips.end());
  EXPECT_THAT(flip->message, HasSubstr("requests at a time"));
  const auto winner_at = [&](double concurrency) {
    PlanProblem changed = problem;
    changed.workload.concurrency = concurrency;
    return search(changed, toy_predictor()).ranked.front().cut;
  };
  const double beyond = flip->above ? 1.1 : 1 / 1.1;
  EXPECT_TRUE(winner_at(flip->threshold * beyond).same_shape(flip->winner.cut));
  EXPECT_FALSE(winner_at(flip->threshold / beyond / beyond).same_shape(flip->winner.cut));
}

TEST(Flips, ASlowerLinkEndsTensorParallelism) {
  const PlanProblem problem = latency_problem(1, 8, 8);
  const std::vector<Flip> flips = find_flips(problem, search(problem, toy_predictor()).ranked, toy_predictor());
  EXPECT_TRUE(std::ranges::any_of(flips, [](const Flip& f) { return f.knob == "concurrency" || f.knob == "link"; }));
  const MachineSpec faster = with_faster_links(toy_machine(2, 2), 3, 5);
  EXPECT_DOUBLE_EQ(faster.links[0].gb_per_s, 3);
  EXPECT_DOUBLE_EQ(faster.link_kinds[0].gb_per_s, 3);
  EXPECT_DOUBLE_EQ(faster.link_kinds[1].gb_per_s, 0.5);
  EXPECT_DOUBLE_EQ(faster.networks[0].gb_per_s_node, 0.5);
}

TEST(Flips, OneDeviceLeavesNothingToChoose) {
  const PlanProblem problem = latency_problem(1, 1, 1);
  EXPECT_TRUE(find_flips(problem, search(problem, toy_predictor()).ranked, toy_predictor()).empty());
}

}  // namespace
}  // namespace kerf
