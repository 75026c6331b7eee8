// The field's formulas, each once: what the planner, its explanations and its tests share. Pure.
#pragma once

#include <cstdint>

#include "kerf/spec/model_shape.h"

namespace kerf {

// Tokens per second of one sequence on one device that reads all weights for each token: no engine is faster.
[[nodiscard]] double decode_ceiling_tokens_per_s(double memory_bytes_per_s, double weight_bytes);

// Two per layer: after the output projection and after the down projection (arXiv:1909.08053, figure 4).
[[nodiscard]] int64_t all_reduces_per_pass(int64_t layers);

// Bytes that one rank sends in a ring all-reduce of `bytes`: 2(p−1)/p · S.
[[nodiscard]] double ring_all_reduce_bytes(int p, double bytes);

// Bytes that one TP rank sends in one forward pass of `tokens` tokens.
[[nodiscard]] double all_reduce_bytes_per_pass(const ModelShape& model, int tp, double tokens, double element_bytes);

// Idle time of p stages with m microbatches over all time: (p−1)/(m+p−1).
[[nodiscard]] double bubble_of_total(int p, int m);
// The same idle time over ideal time, Megatron's definition: (p−1)/m (arXiv:2104.04473, section 2.2).
[[nodiscard]] double bubble_of_ideal(int p, int m);

// Hand-offs of one microbatch on its way through p stages: p − 1, not p.
[[nodiscard]] int pipeline_hops(int p);
// Bytes of one hand-off: tokens · hidden · bytes.
[[nodiscard]] double hand_off_bytes(double tokens, int64_t hidden, double element_bytes);

enum class Schedule : uint8_t { kGPipe, kOneForwardOneBackward };
// Microbatches whose activations a stage holds at most: GPipe m, 1F1B p (arXiv:2104.04473, section 2.2.1).
[[nodiscard]] int microbatches_held(Schedule schedule, int p, int m);

// Sequence parallelism. It leaves an all-reduce's bytes as they are: reduce-scatter and all-gather move (p−1)/p · S
// each. It divides activations between the TP regions by TP (arXiv:2205.05198).
[[nodiscard]] double sequence_parallel_bytes(int p, double bytes);
[[nodiscard]] double activation_bytes_between_regions(double tokens, int64_t hidden, double element_bytes, int tp);

// Dispatch and combine.
inline constexpr int kAllToAllsPerMoeLayer = 2;
// λ: the busiest rank's tokens over the mean. REQUIRES: counts is not empty
template <typename Counts>
[[nodiscard]] double expert_imbalance(const Counts& counts) {
  double sum = 0;
  double most = 0;
  double n = 0;
  for (const double tokens : counts) {
    sum += tokens;
    most = tokens > most ? tokens : most;
    n += 1;
  }
  return sum > 0 ? most * n / sum : 1;
}
// Experts of E that n tokens with k each reach, if they choose at random: E (1 − (1 − k/E)ⁿ).
[[nodiscard]] double distinct_experts(int64_t experts, int64_t per_token, double tokens);

[[nodiscard]] int64_t devices_of(int64_t tp, int64_t pp, int64_t dp);

// GPUs · $/h · 10⁶ / (3600 · tokens/s).
[[nodiscard]] double usd_per_million_tokens(double devices, double usd_per_hour, double tokens_per_s);

}  // namespace kerf
