// The choices that the field knows to be right, made by the search with the real cost model (FIELD 3: rules 1, 2, 6).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/engine_catalog.h"
#include "kerf/planner/explanation.h"
#include "kerf/planner/search.h"

namespace kerf {
namespace {

struct Story {
  std::string model;
  ClusterShape machine;
  std::string quantization = {};
  std::string engine = "vllm";
};

PlanProblem problem_of(const Story& story, Objective objective, double concurrency) {
  PlanProblem problem;
  problem.model = load_model_shape(story.model).value();
  EXPECT_TRUE(story.quantization.empty() || apply_quantization(problem.model, story.quantization).ok());
  problem.machine = gpu_cluster(story.machine).value();
  problem.engine = find_engine(story.engine).value();
  problem.workload.objective = objective;
  problem.workload.concurrency = std::max(1.0, concurrency);
  problem.find_concurrency = concurrency == 0;
  return problem;
}

Candidate best_with(const SearchResult& result, int tp, int pp) {
  const auto found = std::ranges::find_if(
      result.ranked, [&](const Candidate& c) { return c.cut.tp == tp && c.cut.pp == pp && c.cut.dp == 1; });
  EXPECT_NE(found, result.ranked.end()) << "tp " << tp << " pp " << pp;
  return found == result.ranked.end() ? Candidate{} : *found;
}

// Rule 2: inside one NVSwitch domain TP is for latency, and PP is not wrong for throughput.
TEST(Stories, H200With405B) {
  const Story story{.model = "Llama-3.1-405B", .machine = {.gpu = "H200-SXM"}, .quantization = "fp8"};
  const SearchResult latency = search(problem_of(story, Objective::kLatency, 1));
  EXPECT_EQ(latency.ranked.front().cut.tp, 8);
  EXPECT_EQ(latency.ranked.front().cut.pp, 1);
  EXPECT_GT(best_with(latency, 1, 8).tpot_ms, 4 * best_with(latency, 8, 1).tpot_ms);  // measured: 5.6 times

  const SearchResult throughput = search(problem_of(story, Objective::kThroughput, 0));
  EXPECT_GE(best_with(throughput, 1, 8).tokens_per_s, best_with(throughput, 8, 1).tokens_per_s);  // measured: 1.5 times
}

// Rule 1: no tensor parallelism over the whole of a box without a fast fabric, nor across Ethernet.
TEST(Stories, TwoBoxesOfCardsWithoutNvlink) {
  const Story story{.model = "Llama-3.1-70B",
                    .machine = {.gpu = "L40S", .gpus_per_node = 4, .nodes = 2, .network = "Ethernet-25G"}};
  const SearchResult result = search(problem_of(story, Objective::kThroughput, 64));
  EXPECT_LE(result.ranked.front().cut.tp, 2);
  const auto across = std::ranges::find_if(result.ranked, [](const Candidate& c) { return c.cut.tp == 8; });
  ASSERT_NE(across, result.ranked.end());
  EXPECT_GT(across->tpot_ms, 2.5 * result.ranked.front().tpot_ms);
}

TEST(Stories, TwoNodesOfA100OverEthernetAreJoinedByStages) {
  const Story story{.model = "Llama-3.1-70B",
                    .machine = {.gpu = "A100-40G-SXM", .gpus_per_node = 4, .nodes = 2, .network = "Ethernet-25G"}};
  PlanProblem problem = problem_of(story, Objective::kThroughput, 32);
  problem.workload.isl = 8192;  // four of them hold the weights, but not this cache beside them
  const SearchResult result = search(problem);
  EXPECT_LE(result.ranked.front().cut.tp, 4);
  EXPECT_GE(result.ranked.front().cut.pp, 2);
  EXPECT_EQ(result.ranked.front().cut.dp, 1);
  EXPECT_LT(result.ranked.front().tpot_ms, best_with(result, 8, 1).tpot_ms);
}

TEST(Stories, EightConsumerCardsUnderLoadDoNotTakeTp8) {
  const Story story{.model = "Llama-3.1-70B", .machine = {.gpu = "RTX-4090"}, .quantization = "awq"};
  const SearchResult result = search(problem_of(story, Objective::kThroughput, 32));
  EXPECT_LE(result.ranked.front().cut.tp, 4);
  EXPECT_GT(result.ranked.front().tokens_per_s, 1.5 * best_with(result, 8, 1).tokens_per_s);
}

// Rule 6: replicas in place of one big TP group where the model is small.
TEST(Stories, ASmallModelIsServedByReplicas) {
  const Story story{.model = "Llama-3.1-8B", .machine = {.gpu = "H100-SXM"}};
  const SearchResult result = search(problem_of(story, Objective::kThroughput, 0));
  EXPECT_GE(result.ranked.front().cut.dp, 4);
  EXPECT_EQ(result.ranked.front().cut.devices(), 8);
}

TEST(Stories, ABadSplitOfAQuantisedModelIsRejectedWithItsReason) {
  const Story story{.model = "Qwen2.5-72B", .machine = {.gpu = "A100-80G-SXM"}, .quantization = "awq"};
  const PlanProblem problem = problem_of(story, Objective::kLatency, 1);
  const SearchResult result = search(problem);
  for (const Candidate& candidate : result.ranked) EXPECT_EQ(candidate.cut.tp, 1) << "29568 / 128 = 231 groups";
  const auto tp2 = std::ranges::find_if(result.rejected, [](const Rejected& r) { return r.cut.tp == 2; });
  ASSERT_NE(tp2, result.rejected.end());
  EXPECT_THAT(why(problem, *tp2), ::testing::HasSubstr("29568"));
}

TEST(Stories, ExplanationsHoldTogether) {
  const Story story{.model = "Llama-3.1-70B", .machine = {.gpu = "H100-SXM", .nodes = 2}};
  const PlanProblem problem = problem_of(story, Objective::kThroughput, 64);
  const SearchResult result = search(problem);
  const Explanation explanation = explain(problem, result);
  double sum = 0;
  for (const Share& share : shares(explanation.winner.decode)) sum += share.share;
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_FALSE(explanation.binding.empty());
  EXPECT_GE(explanation.runner_up_behind, -0.01);
  EXPECT_TRUE((explanation.baseline.cut.same_shape({.tp = 8, .pp = 2})));
  EXPECT_GE(explanation.baseline.advantage, -0.01);
  EXPECT_FALSE(explanation.flips.empty());
}

}  // namespace
}  // namespace kerf
