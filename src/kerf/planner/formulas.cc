#include "kerf/planner/formulas.h"

#include <algorithm>
#include <cmath>

namespace kerf {

double decode_ceiling_tokens_per_s(double memory_bytes_per_s, double weight_bytes) {
  return memory_bytes_per_s / weight_bytes;
}

int64_t all_reduces_per_pass(int64_t layers) { return 2 * layers; }

double ring_all_reduce_bytes(int p, double bytes) { return 2.0 * (p - 1) / p * bytes; }

double all_reduce_bytes_per_pass(const ModelShape& model, int tp, double tokens, double element_bytes) {
  const double bytes = hand_off_bytes(tokens, model.hidden_size, element_bytes);
  return static_cast<double>(all_reduces_per_pass(model.num_layers())) * ring_all_reduce_bytes(tp, bytes);
}

double bubble_of_total(int p, int m) { return static_cast<double>(p - 1) / (m + p - 1); }

double bubble_of_ideal(int p, int m) { return static_cast<double>(p - 1) / m; }

int pipeline_hops(int p) { return p - 1; }

double hand_off_bytes(double tokens, int64_t hidden, double element_bytes) {
  return tokens * static_cast<double>(hidden) * element_bytes;
}

int microbatches_held(Schedule schedule, int p, int m) { return schedule == Schedule::kGPipe ? m : std::min(p, m); }

double sequence_parallel_bytes(int p, double bytes) { return 2 * (static_cast<double>(p - 1) / p * bytes); }

double activation_bytes_between_regions(double tokens, int64_t hidden, double element_bytes, int tp) {
  return hand_off_bytes(tokens, hidden, element_bytes) / tp;
}

double distinct_experts(int64_t experts, int64_t per_token, double tokens) {
  const auto all = static_cast<double>(experts);
  return all * (1 - std::pow(1 - static_cast<double>(per_token) / all, tokens));
}

int64_t devices_of(int64_t tp, int64_t pp, int64_t dp) { return tp * pp * dp; }

double usd_per_million_tokens(double devices, double usd_per_hour, double tokens_per_s) {
  return tokens_per_s > 0 ? devices * usd_per_hour * 1e6 / (3600 * tokens_per_s) : 0;
}

}  // namespace kerf
