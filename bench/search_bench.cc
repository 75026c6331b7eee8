// How many plans the search judges in a second of one core's time.
//
//   search_bench [--json]
//
// configurations: all that were looked at, the rejected ones included; predictions: those that the cost model priced.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/engine_catalog.h"
#include "kerf/planner/flips.h"
#include "kerf/planner/search.h"

namespace kerf {
namespace {

struct Case {
  const char* model;
  const char* gpu;
  int nodes;
  const char* engine;
  Objective objective;
  double concurrency;  // 0 = to be found
};

constexpr Case kCases[] = {
    {"Llama-3.1-70B", "H100-SXM", 1, "vllm", Objective::kThroughput, 64},
    {"Llama-3.1-70B", "H100-SXM", 512, "vllm", Objective::kThroughput, 16384},
    {"Llama-3.1-70B", "H100-SXM", 512, "sglang", Objective::kThroughput, 16384},
    {"Llama-3.1-70B", "H100-SXM", 512, "kerf", Objective::kLatency, 16384},
    {"Llama-3.1-405B", "H200-SXM", 512, "vllm", Objective::kCost, 0},
    {"Mixtral-8x7B", "A100-80G-SXM", 512, "vllm", Objective::kThroughput, 16384},
    {"DeepSeek-V3", "H200-SXM", 512, "sglang", Objective::kThroughput, 16384},
};
constexpr int kRounds = 3;  // the best counts

// Of this process, so that other work on the machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int run(bool json) {
  if (json) {
    fmt::print("{{\"results\": [");
  } else {
    fmt::print("{:<16}{:<14}{:>8}  {:<8}{:>15}{:>13}{:>9}{:>16}{:>15}{:>10}\n", "model", "gpu", "devices", "engine",
               "configurations", "predictions", "ms", "config/s", "predict/s", "flips ms");
  }
  const char* separator = "\n  ";
  for (const Case& one : kCases) {
    Result<ModelShape> model = load_model_shape(one.model);
    if (!model.ok()) {
      fmt::print(stderr, "search_bench: {}\n", model.error().message);
      continue;
    }
    PlanProblem problem{.model = *model,
                        .machine = gpu_cluster({.gpu = one.gpu, .gpus_per_node = 8, .nodes = one.nodes}).value(),
                        .engine = find_engine(one.engine).value(),
                        .find_concurrency = one.concurrency == 0};
    problem.workload.objective = one.objective;
    problem.workload.concurrency = std::max(1.0, one.concurrency);
    double search_s = 1e9;
    SearchResult result;
    for (int round = 0; round < kRounds; ++round) {
      const double start = cpu_seconds();
      result = search(problem);
      search_s = std::min(search_s, cpu_seconds() - start);
    }
    const double start = cpu_seconds();
    const size_t flips = find_flips(problem, result.ranked).size();
    const double flips_s = cpu_seconds() - start;
    const auto configurations = static_cast<double>(result.configurations);
    const auto predictions = static_cast<double>(result.predictions);
    if (json) {
      fmt::print(
          "{}{{\"model\": \"{}\", \"gpu\": \"{}\", \"devices\": {}, \"engine\": \"{}\", \"configurations\": {}, "
          "\"predictions\": {}, \"seconds\": {:.6f}, \"configurations_per_s\": {:.0f}, \"predictions_per_s\": {:.0f}, "
          "\"flips\": {}, \"flips_s\": {:.6f}}}",
          separator, one.model, one.gpu, 8 * one.nodes, one.engine, result.configurations, result.predictions, search_s,
          configurations / search_s, predictions / search_s, flips, flips_s);
      separator = ",\n  ";
    } else {
      fmt::print("{:<16}{:<14}{:>8}  {:<8}{:>15}{:>13}{:>9.1f}{:>16.0f}{:>15.0f}{:>10.1f}\n", one.model, one.gpu,
                 8 * one.nodes, one.engine, result.configurations, result.predictions, 1e3 * search_s,
                 configurations / search_s, predictions / search_s, 1e3 * flips_s);
    }
  }
  if (json) fmt::print("\n]}}\n");
  return 0;
}

}  // namespace
}  // namespace kerf

int main(int argc, char** argv) { return kerf::run(argc > 1 && std::string_view(argv[1]) == "--json"); }
