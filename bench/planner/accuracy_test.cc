// What the cost model reaches on published measurements. bench/planner_accuracy prints the whole table.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bench/planner/csv.h"
#include "bench/planner/evaluation.h"
#include "bench/planner/experiments.h"
#include "bench/planner/points.h"
#include "kerf/planner/collectives.h"
#include "kerf/planner/fabrics.h"
#include "tests/support/conformance.h"

namespace kerf::bench {
namespace {

struct Data {
  std::vector<Point> points;
  std::vector<const Point*> all;
  Evaluator evaluator;
  Constants constants;
};

const Data& data() {
  static const Data* const kData = [] {
    auto points = read_points(testing::conformance_dir() / "planner").value();
    auto* result = new Data{std::move(points), {}, {}, {}};
    for (const Point& point : result->points) result->all.push_back(&point);
    result->evaluator = Evaluator::make(result->points).value();
    result->constants = catalogue_constants(result->points).value();
    return result;
  }();
  return *kData;
}

std::map<std::string, Summary> by_kind(const std::vector<Scored>& scored) {
  std::map<std::string, std::vector<double>> errors;
  for (const Scored& one : scored) errors[kind_of(one.point->metric)].push_back(std::abs(one.error()));
  std::map<std::string, Summary> summaries;
  for (auto& [kind, values] : errors) summaries[kind] = summarise(std::move(values));
  return summaries;
}

// Every engine with its own constants, as kerf plan uses them.
TEST(PlannerAccuracy, KnownEngines) {
  KERF_REQUIRE_CONFORMANCE("planner/published_points.csv");
  auto errors = by_kind(data().evaluator.score(data().all, data().constants));
  EXPECT_GT(errors["TPOT"].count, 1300);
  EXPECT_LE(errors["TPOT"].mean, 0.08);
  EXPECT_LE(errors["throughput"].mean, 0.07);
  EXPECT_LE(errors["end to end"].mean, 0.08);
  EXPECT_LE(errors["TTFT"].mean, 0.21);
}

// One set of constants for all engines: what an engine gets that nobody measured.
TEST(PlannerAccuracy, UncalibratedEngines) {
  KERF_REQUIRE_CONFORMANCE("planner/published_points.csv");
  const EngineSpec generic = find_generic().value();
  auto errors = by_kind(data().evaluator.score(data().all, with_one_engine(data().constants, generic)));
  EXPECT_LE(errors["TPOT"].mean, 0.15);
  EXPECT_LE(errors["throughput"].mean, 0.15);
  EXPECT_LE(errors["TTFT"].mean, 0.265);  // the goal is 0.25
}

// A few constants per engine fitted on one half of the models and GPUs. The goal is 0.10: throughput
// reaches it, static batches nearly; TPOT doesn't, for what is particular to an engine and a model does not carry over
// to other models.
TEST(PlannerAccuracy, CalibratedOnTheOtherHalf) {
  KERF_REQUIRE_CONFORMANCE("planner/published_points.csv");
  std::vector<Scored> tested;
  for (const int half : {0, 1}) {
    const FitSettings settings{.engine_prior = 1.0, .rounds = 6};
    HeldOut result = held_out(data().evaluator, data().all, data().constants, half, settings);
    EXPECT_GT(result.training, 1000);
    tested.insert(tested.end(), result.tested.begin(), result.tested.end());
  }
  auto errors = by_kind(tested);
  EXPECT_LE(errors["throughput"].mean, 0.10);
  EXPECT_LE(errors["end to end"].mean, 0.115);
  EXPECT_LE(errors["TPOT"].mean, 0.155);
}

TEST(PlannerAccuracy, ChosenCutsAreWithinFivePercentOfTheBest) {
  KERF_REQUIRE_CONFORMANCE("planner/published_points.csv");
  std::map<std::string, std::vector<double>> regrets;
  for (const Choice& choice : choices(data().evaluator.score(data().all, data().constants))) {
    regrets[choice.group.substr(0, choice.group.find('|'))].push_back(choice.regret);
  }
  for (const char* source : {"FasterTransformer", "APEX", "TRT-LLM perf-overview", "silicon dense", "silicon MoE"}) {
    ASSERT_FALSE(regrets[source].empty()) << source;
    double sum = 0;
    for (const double regret : regrets[source]) sum += regret;
    EXPECT_LE(sum / static_cast<double>(regrets[source].size()), 0.05) << source;
  }
}

// Published collectives against the two segments that catalog/collectives.json holds of them.
TEST(PlannerAccuracy, CollectivesAsMeasured) {
  KERF_REQUIRE_CONFORMANCE("planner/comm_measured.csv");
  const std::map<std::string, std::pair<const char*, const char*>> systems{
      {"a100_sxm", {"NVLink3", "A100-80G-SXM"}},
      {"h100_sxm", {"NVLink4", "H100-SXM"}},
      {"h200_sxm", {"NVLink4", "H200-SXM"}},
      {"b200_sxm", {"NVLink5", "B200-SXM"}},
      {"gb200", {"NVLink5", "GB200"}},
      {"l40s", {"PCIe4-SYS", "L40S"}},
      {"rtx_pro_6000_server", {"PCIe5-SYS", "RTX-PRO-6000-SE"}}};
  const std::map<std::string, const char*> families{{"NCCL", "nccl"},
                                                    {"TRTLLM", "trtllm"},
                                                    {"vLLM_custom_graph", "vllm_custom"},
                                                    {"vLLM_custom_eager", "vllm_custom_eager"},
                                                    {"SGLang_CustomAllReduce_graph", "sglang_custom"},
                                                    {"SGLang_CustomAllReduce_eager", "sglang_custom_eager"}};
  const CsvTable table = read_csv(testing::conformance_dir() / "planner" / "comm_measured.csv").value();
  const FabricCatalog catalog = FabricCatalog::read().value();
  std::vector<double> errors;
  for (size_t i = 0; i < table.cells.size(); ++i) {
    const CsvRow row = table.row(i);
    const auto system = systems.find(row.text("system"));
    const std::string implementation = row.text("impl");
    const auto family = families.find(implementation.substr(0, implementation.find('@')));
    if (system == systems.end() || family == families.end()) continue;
    const Fabric* fabric = catalog.find(system->second.first, system->second.second);
    ASSERT_NE(fabric, nullptr) << system->first;
    const std::string op = row.text("op") == "alltoall" ? "all_to_all" : row.text("op");
    for (const CollectiveFamily& measured : fabric->families) {
      if (measured.name != family->second) continue;
      for (int kind = 0; kind < 4; ++kind) {
        if (name_of(static_cast<CollectiveOp>(kind)) != op) continue;
        for (const MeasuredSegments& segments : measured.ops[static_cast<size_t>(kind)]) {
          if (segments.ranks != static_cast<int>(row.number("n_gpus"))) continue;
          const double us = 1e6 * measured_s(segments, static_cast<CollectiveOp>(kind), row.number("bytes"));
          errors.push_back(std::abs(us / row.number("latency_us") - 1));
        }
      }
    }
  }
  const Summary summary = summarise(errors);
  EXPECT_GT(summary.count, 3000);
  EXPECT_LE(summary.median, 0.06) << summary.mean;
}

TEST(PlannerAccuracy, OutOfMemoryIsForeseen) {
  KERF_REQUIRE_CONFORMANCE("planner/published_points.csv");
  const MemoryVerdicts verdicts = memory_verdicts(data().evaluator, data().all, data().constants);
  EXPECT_EQ(verdicts.out_of_memory, 9);
  EXPECT_EQ(verdicts.rejected, 9);
  EXPECT_EQ(verdicts.right, verdicts.all);
}

}  // namespace
}  // namespace kerf::bench
