// What kerf bench found, as a table, as JSON, as warnings.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kerf/apps/predict/bench_test_plan.h"
#include "kerf/apps/predict/comm_seconds.h"

namespace kerf {

struct BenchResult {
  BenchTest test;
  double tokens_per_s = 0;
  double predicted_tokens_per_s = 0;  // 0 = no machine to predict by
  double limit_tokens_per_s = 0;      // the machine's (planner/roofline.h); 0 = no machine
  double spread = 0;                  // quartiles apart, by the middle
  double bytes_per_s = 0;             // of weights, all ranks together
  CommSeconds comm;                   // shares of the time, rank 0's
  int repetitions = 0;
  [[nodiscard]] double error() const { return predicted_tokens_per_s / tokens_per_s - 1; }
  [[nodiscard]] double limit_fraction() const { return tokens_per_s / limit_tokens_per_s; }
};

[[nodiscard]] nlohmann::ordered_json to_json(const BenchResult& result);

[[nodiscard]] std::string bench_table(const std::vector<BenchResult>& results);

// A sentence for every test that spends more than 15 % of its time on communication.
[[nodiscard]] std::vector<std::string> comm_warnings(const std::vector<BenchResult>& results);

}  // namespace kerf
