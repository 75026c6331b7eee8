// What a step costs beside the model and the scheduler: its way over the wire, and sampling one row of a vocabulary
// of 151,936 (Qwen 3's).
#include <benchmark/benchmark.h>

#include <cmath>

#include "kerf/base/counter_rng.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/step.h"

namespace kerf {
namespace {

constexpr int64_t kVocab = 151936;
constexpr int64_t kBlock = 64;

// Arguments: sequences that decode, tokens in the cache of each.
Step decodes(int64_t sequences, int64_t context) {
  Step step{.id = 1};
  std::vector<int32_t> blocks(static_cast<size_t>(context / kBlock + 1));
  for (int64_t slot = 0; slot < sequences; ++slot) {
    for (size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = static_cast<int32_t>(slot + static_cast<int64_t>(i) * sequences);  // as they grew beside each other
    }
    const std::vector<int32_t> token = {static_cast<int32_t>((slot * 7919) % kVocab)};
    step.add_span(static_cast<int32_t>(slot), context, token, blocks, kBlock, LogitsWanted::kLast);
  }
  return step;
}

void write_step(benchmark::State& state) {
  const Step step = decodes(state.range(0), state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(step.serialize());
}
BENCHMARK(write_step)->Args({1, 500})->Args({64, 4000})->Args({256, 500})->Unit(benchmark::kMicrosecond);

void read_step(benchmark::State& state) {
  const Bytes bytes = decodes(state.range(0), state.range(1)).serialize();
  for (auto _ : state) benchmark::DoNotOptimize(Step::deserialize(bytes));
}
BENCHMARK(read_step)->Args({1, 500})->Args({64, 4000})->Args({256, 500})->Unit(benchmark::kMicrosecond);

// Few are likely: the ten likeliest have most of the probability.
std::vector<float> logits() {
  std::vector<float> row(kVocab);
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(-2 * std::log(1e-9 + uniform_at(1, i)));
  return row;
}

// Argument: of 100 tokens, so many are allowed; none: no grammar.
void sample(benchmark::State& state, const SamplingParams& params, int percent) {
  const std::vector<float> row = logits();
  TokenSet allowed(kVocab);
  for (int32_t id = 0; id < kVocab; ++id) {
    if (static_cast<int>(100 * uniform_at(2, static_cast<uint64_t>(id))) < percent) allowed.add(id);
  }
  Sampler sampler;
  SampleArgs args{.logits = row, .params = params};
  if (percent > 0) args.rules.allowed = &allowed;
  for (auto _ : state) {
    ++args.position;
    benchmark::DoNotOptimize(sampler.sample(args));
  }
}
BENCHMARK_CAPTURE(sample, greedy, {.temperature = 0}, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, greedy_in_a_string, {.temperature = 0}, 97)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, greedy_between_values, {.temperature = 0}, 1)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, top_p, {.top_p = 0.95}, 0)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, top_p_in_a_string, {.top_p = 0.95}, 97)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kerf

BENCHMARK_MAIN();
