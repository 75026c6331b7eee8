// What kerf bench measures: prefill and decode, by number of tokens and batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kerf/apps/predict/runner.h"

namespace kerf {

struct BenchTest {
  int64_t batch = 1;
  int64_t prompt = 0;                      // tokens of each prompt
  int64_t decode = 0;                      // tokens generated for each sequence; 0: the prefill is measured
  [[nodiscard]] std::string name() const;  // "prefill 512", "decode 64"
};

struct BenchTests {
  std::vector<int64_t> prefill = {512};
  std::vector<int64_t> decode = {64};
  std::vector<int64_t> batch = {1, 16};
  int64_t depth = 128;

  [[nodiscard]] std::vector<BenchTest> list() const;
  [[nodiscard]] int64_t longest_sequence() const;
};

[[nodiscard]] Result<RunFigures> run_test(Runner& runner, const BenchTest& test, int64_t vocab_size);

}  // namespace kerf
