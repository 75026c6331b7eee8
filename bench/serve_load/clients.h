// Clients: connections that each send the next request when their last one is answered, on one thread.
#pragma once

#include <string>
#include <vector>

#include "options.h"
#include "workload.h"

namespace kerf::load {

struct Sample {
  int64_t input = 0;
  int64_t tokens = 0;  // of the answer
  double start_s = 0;  // sent; seconds since the first request
  double first_s = 0;  // first token
  double end_s = 0;    // last token
  std::string error;   // empty = answered whole
  [[nodiscard]] double ttft_ms() const { return (first_s - start_s) * 1e3; }
  // Mean time of a token after the first; 0 where there is none.
  [[nodiscard]] double tpot_ms() const {
    return tokens > 1 ? (end_s - first_s) / static_cast<double>(tokens - 1) * 1e3 : 0;
  }
};

// Sends everything and returns when all is answered or has failed; options.idle connections are opened first and stay.
// Throws std::runtime_error with one sentence when an idle connection cannot be had or kept.
[[nodiscard]] std::vector<Sample> run_clients(const Options& options, const std::vector<Work>& workload);

}  // namespace kerf::load
