// The requests of a load: a pure function of the options.
#pragma once

#include <string>
#include <vector>

#include "options.h"

namespace kerf::load {

struct Work {
  std::string body;  // of POST /v1/completions
  int64_t input = 0;
  int64_t output = 0;
};

// Throws std::runtime_error with one sentence when the trace cannot be read.
[[nodiscard]] std::vector<Work> make_workload(const Options& options);

// A streamed answer of one token.
[[nodiscard]] std::string one_token_body(const Options& options);

}  // namespace kerf::load
