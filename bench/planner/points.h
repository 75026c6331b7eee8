// Published measurements of serving engines: shared/data/planner's published_points.csv, silicon_dense.csv and
// silicon_moe_agg.csv, read into one form. What each benchmark means by its columns is said in points.cc.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/workload.h"
#include "kerf/spec/plan.h"

namespace kerf::bench {

enum class Metric : uint8_t { kTtft, kTpot, kStepTime, kThroughput, kEndToEnd, kFits };

struct Point {
  std::string id;
  std::string source;  // the campaign: "FasterTransformer", "perf-overview", …
  std::string engine;  // name in catalog/engines.json
  std::string version;
  std::string model;    // name in catalog/models
  std::string weights;  // "fp16", "fp8", "nvfp4", …
  std::string experts;  // of a mixture's experts
  std::string gpu;
  Plan plan;
  Workload workload;
  Metric metric = Metric::kTpot;
  double measured = 0;  // ms, tokens/s, 0 or 1

  double tokens_per_chunk = 1;  // the benchmark's first chunk holds so many tokens
  double slack = 0;             // requests' ends are spread over slack of a request's life / concurrency
  std::string excluded;         // why it is left out; empty = it counts
  std::string group;            // points of one group differ only in their cut; empty = of none
};

// Which of the three kinds of time or rate the targets name; "" for kFits.
[[nodiscard]] std::string kind_of(Metric metric);

// folder: the one with published_points.csv.
[[nodiscard]] Result<std::vector<Point>> read_points(const std::filesystem::path& folder);

}  // namespace kerf::bench
