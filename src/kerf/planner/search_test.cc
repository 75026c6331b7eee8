#include "kerf/planner/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kerf/planner/memory.h"
#include "kerf/planner/planner_test_support.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

std::set<Cut> cuts_of(const std::vector<Candidate>& candidates) {
  std::set<Cut> cuts;
  for (const Candidate& candidate : candidates) cuts.insert(candidate.cut);
  return cuts;
}

TEST(Search, LooksAtEveryCutOnceAndLeavesDevicesIdle) {
  const PlanProblem problem = toy_problem(8);
  const SearchResult result = search(problem, toy_predictor());
  const std::set<Cut> cuts = cuts_of(result.ranked);
  EXPECT_EQ(cuts.size(), result.ranked.size()) << "a cut twice";
  for (int tp = 1; tp <= 8; ++tp) {
    for (int pp = 1; tp * pp <= 8; ++pp) {
      for (int dp = 1; tp * pp * dp <= 8; ++dp) {
        const Cut cut{.tp = tp, .pp = pp, .dp = dp};
        const bool ranked = cuts.contains(cut);
        const bool rejected = std::ranges::any_of(
            result.rejected, [&](const Rejected& r) { return r.cut.tp == tp && r.cut.pp == pp && r.cut.dp <= dp; });
        EXPECT_NE(ranked, rejected) << to_string(cut);
        EXPECT_EQ(ranked, tp == 1 || tp == 2 || tp == 4 || tp == 8) << to_string(cut);  // 8 heads
      }
    }
  }
}

TEST(Search, CountsWhatItRejects) {
  const PlanProblem problem = toy_problem(8);
  const SearchResult result = search(problem, toy_predictor());
  int64_t rejected = 0;
  for (const Rejected& one : result.rejected) rejected += one.configurations;
  EXPECT_EQ(result.configurations, rejected + static_cast<int64_t>(result.ranked.size()));
  EXPECT_EQ(result.predictions, static_cast<int64_t>(result.ranked.size()));
}

TEST(Search, EveryRejectedPlanHasAReason) {
  PlanProblem problem = toy_problem(16);
  problem.machine.device_kinds[0].memory_bytes = 6e8;  // weights need several devices
  problem.workload.concurrency = 2;
  const SearchResult result = search(problem, toy_predictor());
  std::set<Rejection> reasons;
  for (const Rejected& rejected : result.rejected) {
    reasons.insert(rejected.reason);
    EXPECT_THAT(why(problem, rejected, toy_predictor()), HasSubstr(" "));
  }
  EXPECT_TRUE(reasons.contains(Rejection::kLayers));
  EXPECT_TRUE(reasons.contains(Rejection::kShards));
  EXPECT_TRUE(reasons.contains(Rejection::kWeights));
  EXPECT_TRUE(reasons.contains(Rejection::kIdleReplicas));
}

TEST(Search, TheModelThatFitsNowhereIsRejectedEverywhere) {
  PlanProblem problem = toy_problem(4);
  problem.machine.device_kinds[0].memory_bytes = 1e6;
  const SearchResult result = search(problem, toy_predictor());
  EXPECT_TRUE(result.ranked.empty());
  ASSERT_FALSE(result.rejected.empty());
  EXPECT_EQ(result.predictions, 0) << "memory is judged before anything is predicted";
}

TEST(Search, ObjectivesRankDifferently) {
  PlanProblem problem = toy_problem(8);
  problem.workload.objective = Objective::kLatency;
  problem.workload.concurrency = 8;
  EXPECT_TRUE((search(problem, toy_predictor()).ranked.front().cut.same_shape({.tp = 8})));
  problem.workload.objective = Objective::kThroughput;
  problem.workload.concurrency = 1024;
  EXPECT_TRUE((search(problem, toy_predictor()).ranked.front().cut.same_shape({.dp = 8})));
  problem.workload.objective = Objective::kCost;
  const Candidate cheapest = search(problem, toy_predictor()).ranked.front();
  EXPECT_EQ(cheapest.cut.devices(), 1) << "less weight reading per token in one large batch";
}

TEST(Search, PlansThatMissTheSloComeLast) {
  PlanProblem problem = toy_problem(8);
  problem.workload.concurrency = 256;
  const SearchResult free = search(problem, toy_predictor());
  problem.workload.slo_ttft_ms = 0.8 * free.ranked.front().ttft_ms;
  const SearchResult bound = search(problem, toy_predictor());
  EXPECT_TRUE(bound.ranked.front().meets_slo());
  EXPECT_FALSE(bound.ranked.back().meets_slo());
  EXPECT_TRUE(std::ranges::is_partitioned(bound.ranked, &Candidate::meets_slo));
  EXPECT_NE(bound.ranked.front().cut, free.ranked.front().cut);
}

TEST(Search, FindsTheLoadThatTheSloAllows) {
  PlanProblem problem = toy_problem(8);
  problem.find_concurrency = true;
  problem.workload.slo_tpot_ms = 40;
  const SearchResult result = search(problem, toy_predictor());
  const Candidate& best = result.ranked.front();
  EXPECT_TRUE(best.meets_slo());
  EXPECT_GT(best.tpot_ms, 0.7 * problem.workload.slo_tpot_ms) << "the SLO is to be used up";
  EXPECT_FALSE(result.loads.empty());
  for (const Candidate& candidate : result.ranked) EXPECT_GE(candidate.concurrency, candidate.cut.dp);
}

TEST(Search, AtARateTheFewestDevicesThatKeepUpWin) {
  PlanProblem problem = toy_problem(8);
  problem.workload.arrival = Arrival::kOpenLoop;
  problem.workload.osl = 100;
  problem.workload.rate_per_s = 1;
  // The toy serves as many tokens as it can, whatever is asked: cap it at the rate.
  const MakePredictor at_rate = [&](const auto& model, const auto& machine, const auto& engine, const auto& workload) {
    return Predictor([=, toy = toy_predictor()(model, machine, engine, workload)](const Plan& plan) {
      Prediction p = toy(plan);
      p.requests_per_s = std::min(p.tokens_per_s / workload.osl, workload.rate_per_s);
      p.tokens_per_s = p.requests_per_s * workload.osl;
      return p;
    });
  };
  EXPECT_EQ(search(problem, at_rate).ranked.front().cut.devices(), 1);
  problem.workload.rate_per_s = 40;
  const SearchResult busy = search(problem, at_rate);
  EXPECT_GT(busy.ranked.front().cut.devices(), 1);
  EXPECT_FALSE(busy.ranked.front().falls_behind);
  EXPECT_TRUE(busy.ranked.back().falls_behind);
  EXPECT_THAT(slo_text(problem, busy.ranked.back()), HasSubstr("of 40 requests a second"));
}

TEST(Search, IgnoresMoreReplicasThanRequests) {
  PlanProblem problem = toy_problem(8);
  problem.workload.concurrency = 3;
  for (const Candidate& candidate : search(problem, toy_predictor()).ranked) EXPECT_LE(candidate.cut.dp, 3);
}

TEST(Search, ExpertsAreSpreadAsTheEngineCan) {
  PlanProblem problem = toy_problem(8);
  make_moe(problem.model, 16);
  std::set<int> ep_of_tp4_dp2;
  for (const Candidate& candidate : search(problem, toy_predictor()).ranked) {
    if (candidate.cut.tp == 4 && candidate.cut.dp == 2) ep_of_tp4_dp2.insert(candidate.cut.ep);
  }
  EXPECT_THAT(ep_of_tp4_dp2, ::testing::ElementsAre(1, 8)) << "vLLM: all or nothing";
  problem.engine.name = "sglang";
  ep_of_tp4_dp2.clear();
  for (const Candidate& candidate : search(problem, toy_predictor()).ranked) {
    if (candidate.cut.tp == 4 && candidate.cut.dp == 2) ep_of_tp4_dp2.insert(candidate.cut.ep);
  }
  EXPECT_THAT(ep_of_tp4_dp2, ::testing::ElementsAre(1, 2, 4, 8));
}

TEST(Search, UnequalDevicesGetLayersBySpeed) {
  PlanProblem problem = toy_problem(2);
  problem.machine.device_kinds.push_back(problem.machine.device_kinds[0]);
  problem.machine.device_kinds[1].memory_gb_per_s /= 3;
  problem.machine.devices[1].kind = 1;
  PlanBuilder builder(problem.model, problem.machine, problem.engine);
  EXPECT_THAT(builder.plan({.pp = 2, .fitted_layers = true}).pp_layers, ::testing::ElementsAre(6, 2));
  EXPECT_TRUE(builder.plan({.tp = 2}).tp_weights.empty()) << "vLLM cannot";
  problem.engine.any_tp = true;
  EXPECT_THAT(builder.plan({.tp = 2}).tp_weights, ::testing::ElementsAre(1.0, ::testing::DoubleNear(1.0 / 3, 1e-9)));
}

TEST(Ranking, NearlyEqualPlansGoToTheOneWithFewerDevices) {
  Candidate big{.cut = {.dp = 4}, .tpot_ms = 10.0, .tokens_per_s = 100};
  Candidate small{.cut = {.dp = 1}, .tpot_ms = 10.02, .tokens_per_s = 99.8};
  for (const Objective objective : {Objective::kLatency, Objective::kThroughput, Objective::kCost}) {
    EXPECT_LT(score(objective, small), score(objective, big));
  }
  big.tpot_ms = 9;
  EXPECT_LT(score(Objective::kLatency, big), score(Objective::kLatency, small));
}

TEST(Ranking, ASettingHasToBeWorthIt) {
  const Candidate plain{.cut = {.tp = 2}, .tpot_ms = 10.0};
  Candidate fitted{.cut = {.tp = 2, .fitted_layers = true}, .tpot_ms = 9.98};
  EXPECT_LT(score(Objective::kLatency, plain), score(Objective::kLatency, fitted));
  fitted.tpot_ms = 9.8;
  EXPECT_LT(score(Objective::kLatency, fitted), score(Objective::kLatency, plain));
}

TEST(Ranking, TtftDecidesBetweenEqualTpots) {
  const Candidate soon{.cut = {.tp = 2}, .ttft_ms = 100, .tpot_ms = 10.0};
  const Candidate late{.cut = {.tp = 2}, .ttft_ms = 150, .tpot_ms = 10.0};
  EXPECT_LT(score(Objective::kLatency, soon), score(Objective::kLatency, late));
}

TEST(Ranking, OneOfEachShapeIsKept) {
  const std::vector<Candidate> ranked = {{.cut = {.tp = 2, .sp = true}}, {.cut = {.tp = 4}}, {.cut = {.tp = 2}}};
  const std::vector<Candidate> best = best_of_each_shape(ranked);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_TRUE(best[0].cut.sp);
  EXPECT_EQ(best[1].cut.tp, 4);
}

TEST(Ranking, AdvantageSaysHowMuchLess) {
  const Candidate fast{.tpot_ms = 8, .tokens_per_s = 120};
  const Candidate slow{.tpot_ms = 10, .tokens_per_s = 100};
  EXPECT_NEAR(advantage(Objective::kLatency, fast, slow), 0.2, 1e-9);
  EXPECT_NEAR(advantage(Objective::kThroughput, fast, slow), 0.2, 1e-9);
}

}  // namespace
}  // namespace kerf
