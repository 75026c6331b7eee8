#include "kerf/apps/predict/bench_test_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace kerf {

std::string BenchTest::name() const {
  return decode > 0 ? fmt::format("decode {}", decode) : fmt::format("prefill {}", prompt);
}

std::vector<BenchTest> BenchTests::list() const {
  std::vector<BenchTest> tests;
  for (const int64_t n : batch) {
    for (const int64_t tokens : prefill) tests.push_back({.batch = n, .prompt = tokens});
    for (const int64_t tokens : decode) tests.push_back({.batch = n, .prompt = depth, .decode = tokens});
  }
  return tests;
}

int64_t BenchTests::longest_sequence() const {
  int64_t longest = 0;
  for (const BenchTest& test : list()) {
    longest =
        std::max(longest, test.decode > 0 ? decode_length(test.batch, test.prompt, test.decode) : test.prompt + 1);
  }
  return longest;
}

Result<RunFigures> run_test(Runner& runner, const BenchTest& test, int64_t vocab_size) {
  if (test.decode == 0) return run_prefill(runner, test.batch, test.prompt, vocab_size);
  return run_decode(runner, test.batch, test.prompt, test.decode, vocab_size);
}

}  // namespace kerf
