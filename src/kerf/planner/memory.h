// What each rank must hold: weights, KV cache, activations, buffers. Bytes, exact where the config allows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/engine_spec.h"
#include "kerf/planner/workload.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

// One rank of one stage; the fullest rank of the stage where they differ.
struct RankMemory {
  double weight_bytes = 0;
  double kv_bytes_per_token = 0;   // of this stage's layers, as one rank holds them (replicated heads counted)
  double state_bytes_per_seq = 0;  // linear attention
  double activation_bytes = 0;     // at max_num_batched_tokens
  double buffer_bytes = 0;         // collectives, context, workspace
  double available_bytes = 0;      // memory_utilization · the device's
  double kv_tokens = 0;            // tokens for which KV fits, in whole blocks; 0 when weights don't fit
  bool fits = false;               // weights, activations, buffers and at least one sequence
};

struct PlanMemory {
  std::vector<RankMemory> stages;  // [pp]
  double kv_tokens = 0;            // of a replica: the least over its stages
  double weight_bytes = 0;         // the most over its ranks
  bool fits = false;
  std::string why;  // when not: one sentence, with the bytes that are missing
};

// Layers per stage when the plan states none: even, the first num_layers % pp stages one more.
[[nodiscard]] std::vector<int64_t> stage_layer_counts(const ModelShape& model, const Plan& plan);

// Layers per stage that balance time: stages with the embedding or the head get fewer.
[[nodiscard]] std::vector<int64_t> balanced_layer_counts(const ModelShape& model, int pp);

// Whether the shards of `plan` are whole: heads, groups of quantised weights, fp8 blocks, experts, layers. One sentence
// naming the field and the largest TP that works when not.
[[nodiscard]] Status check_divisibility(const ModelShape& model, const EngineSpec& engine, const Plan& plan);

// The largest TP (a divisor of `k / group` …): every t such that k/t is a whole multiple of the group.
[[nodiscard]] bool keeps_groups_whole(int64_t k, int64_t group, int tp);

[[nodiscard]] PlanMemory plan_memory(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine,
                                     const Plan& plan, const Workload& workload);

}  // namespace kerf
