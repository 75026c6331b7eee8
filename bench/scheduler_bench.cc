// What the scheduler costs per step: next() and on_output() together, while every sequence decodes; and with arrivals
// that share a prefix. To be well under 50 us at 256 sequences.
#include <benchmark/benchmark.h>

#include "kerf/engine/scheduler.h"

namespace kerf {
namespace {

SchedulerConfig config(int64_t sequences) {
  return {.max_num_seqs = sequences,
          .max_num_batched_tokens = 2048,
          .max_model_len = 1 << 20,
          .vocab_size = 32000,
          .num_blocks = 1 << 20,
          .block_size = 64,
          .enable_prefix_caching = true};
}

Request request(RequestId id, int64_t prompt, int64_t max_tokens) {
  Request r{.id = id, .params = {.max_tokens = max_tokens, .ignore_eos = true}};
  for (int64_t i = 0; i < prompt; ++i) r.prompt_ids.push_back(static_cast<int32_t>((i * 7919) % 32000));
  r.prompt_ids.back() = static_cast<int32_t>(id % 32000);
  r.tenant = static_cast<uint64_t>(id % 8);
  return r;
}

StepOutput answer(const Step& step) {
  StepOutput output{.step = step.id};
  for (const SequenceSpan& span : step.spans) {
    if (span.logits == LogitsWanted::kLast) output.rows.push_back({.slot = span.slot, .sampled = {.token = 5}});
  }
  return output;
}

// The answer's making is not the scheduler's.
void step_once(benchmark::State& state, Scheduler& scheduler, std::vector<SequenceUpdate>& updates) {
  const Step step = scheduler.next().value();
  state.PauseTiming();
  StepOutput output = answer(step);
  state.ResumeTiming();
  updates = scheduler.on_output(std::move(output)).value();
}

void decode(benchmark::State& state) {
  const int64_t sequences = state.range(0);
  Scheduler scheduler(config(sequences));
  for (RequestId id = 1; id <= sequences; ++id) (void)scheduler.add(request(id, 500, 1 << 20));
  std::vector<SequenceUpdate> updates;
  while (scheduler.stats().last_decode_tokens < sequences) (void)scheduler.on_output(answer(scheduler.next().value()));
  for (auto _ : state) step_once(state, scheduler, updates);
}
BENCHMARK(decode)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Iterations(3000);

// Each request that ends is followed by another.
void arrivals(benchmark::State& state) {
  const int64_t sequences = state.range(0);
  Scheduler scheduler(config(sequences));
  RequestId next = 1;
  for (; next <= 2 * sequences; ++next) (void)scheduler.add(request(next, 1000, 64));
  std::vector<SequenceUpdate> updates;
  for (auto _ : state) {
    step_once(state, scheduler, updates);
    state.PauseTiming();
    for (const SequenceUpdate& update : updates) {
      if (update.finish) (void)scheduler.add(request(next++, 1000, 64));
    }
    state.ResumeTiming();
  }
}
BENCHMARK(arrivals)->Arg(16)->Arg(256)->Iterations(3000);

}  // namespace
}  // namespace kerf

BENCHMARK_MAIN();
