// What each rank must hold: weights, KV cache, activations, buffers. Bytes, exact where the config allows.
#pragma once

#include <cstdint>
#include <memory>
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
  double available_bytes = 0;      // memory_utilization · the device's, or what utilization_of_free leaves
  double kv_tokens = 0;            // tokens for which KV fits, in whole blocks; 0 when weights don't fit
  bool fits = false;               // weights, activations, buffers and at least one sequence
};

struct PlanMemory {
  std::vector<RankMemory> stages;  // [pp]
  double kv_tokens = 0;            // of a replica: the least over its stages
  double max_sequences = 0;        // whose isl + output_reserve · osl tokens these hold, each in whole blocks
  double weight_bytes = 0;         // the most over its ranks
  bool fits = false;
  std::string why;  // when not: one sentence, with the bytes that are missing
};

// All weights as stored, scales and zero points included; multi-token prediction left out.
[[nodiscard]] double weight_bytes(const ModelShape& model);

// The keys and values of one token over all layers, uncut; windows are ignored, a latent cache counts once.
[[nodiscard]] double kv_bytes_per_token(const ModelShape& model);

// The hidden state of `tokens` tokens between two TP regions, as one rank holds it: with SP, 1/TP of the tokens
// (arXiv:2205.05198, section 4.2.2).
[[nodiscard]] double hidden_state_bytes(const ModelShape& model, const Plan& plan, double tokens);

// Over how many ranks each expert is cut. An expert-parallel plan (ep > 1) spreads the experts of a layer over all tp *
// dp ranks of a stage, as vLLM and TensorRT-LLM do with attention data parallelism; with ep = 1 replicas share nothing.
// REQUIRES: ep divides tp * dp
[[nodiscard]] int expert_tp(const Plan& plan);

// Layers per stage when the plan states none: even, the first num_layers % pp stages one more.
[[nodiscard]] std::vector<int64_t> stage_layer_counts(const ModelShape& model, const Plan& plan);

// Layers per stage that balance time: the longest stage is as short as can be, where a layer costs the weights that a
// token meets in it, and the head on the last stage likewise. Among equals, the first stage, which has the embedding,
// gets fewer, and the rest as even as can be. REQUIRES: 1 <= pp <= layers
[[nodiscard]] std::vector<int64_t> balanced_layer_counts(const ModelShape& model, int pp);

// Whether the plan's numbers make sense for the model: layers enough for the stages, ep a divisor of tp * dp.
[[nodiscard]] Status check_layout(const ModelShape& model, const Plan& plan);

// Whether the shards of `plan` are whole: heads, groups of quantised weights, fp8 blocks, experts, layers. One sentence
// naming the field and the largest TP that works when not.
[[nodiscard]] Status check_divisibility(const ModelShape& model, const EngineSpec& engine, const Plan& plan);

// Whether k inputs cut over tp ranks leave each a whole multiple of the group. One rank may hold a part of a group, and
// a group of 0 is whole in any cut.
[[nodiscard]] bool keeps_groups_whole(int64_t k, int64_t group, int tp);

// The TP sizes up to `max` under which every quantised shard holds whole groups, blocks and packed words, whatever
// the engine says about heads. Experts are taken as cut by TP.
[[nodiscard]] std::vector<int> whole_tps(const ModelShape& model, int max);

// What doesn't depend on the plan, prepared once: plan() is called a hundred thousand times a second.
// Threading: plan() may be called from several threads.
class MemoryModel {
 public:
  MemoryModel(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine, const Workload& workload);
  ~MemoryModel();
  MemoryModel(MemoryModel&&) noexcept;
  MemoryModel& operator=(MemoryModel&&) noexcept;

  // A plan that check_layout() refuses doesn't fit, and `why` says so.
  //
  // weight_bytes: the vocabulary, heads, inner dimensions and experts of the fullest rank; norms, routers and latent
  // down-projections on every rank; embedding on the first stage, head on the last (tied weights on both).
  // kv_bytes_per_token: averaged over a sequence of isl + osl tokens, so that a layer with a window counts for
  // min(1, window / length).
  // activation_bytes: with T = max_num_batched_tokens (at least isl without chunked prefill) and elements of a bytes,
  //   2 T h a (hidden state and residual; / tp with SP) + the largest of
  //   attention  T (heads + 2 kv_heads) head_dim a + T heads v_head_dim a,
  //   mlp        3 T intermediate a  (gate, up, their product; 2 without gate),
  //   experts    R (3 expert_intermediate + h) a, R = T dp experts_per_token / ep rows times the imbalance,
  //   logits     max_num_seqs vocab (a + 8)  (gathered, in f32, sorted or as probabilities), on the last stage,
  //   each as the fullest rank holds it.
  // buffer_bytes: the engine's context, its collectives' buffers where there is a group, and where there is a
  //   neighbouring stage the T h a that come in or go out.
  [[nodiscard]] PlanMemory plan(const Plan& plan) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

// MemoryModel::plan() for a single plan.
[[nodiscard]] PlanMemory plan_memory(const ModelShape& model, const DeviceKind& device, const EngineSpec& engine,
                                     const Plan& plan, const Workload& workload);

}  // namespace kerf
