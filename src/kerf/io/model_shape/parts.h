// Counts of the parameters of the parts that decoder layers are made of.
#pragma once

#include <cstdint>

#include "kerf/spec/model_shape.h"

namespace kerf {

struct GroupedAttention {
  int64_t hidden = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t v_head_dim = 0;  // 0 = head_dim
  int64_t window = 0;
  bool qkv_bias = false;
  bool output_bias = false;
  bool output_gate = false;    // queries come with a gate of the output, as wide as they are (Qwen3-Next)
  bool shared_kv = false;      // values are the keys (Gemma-4's global layers)
  int64_t qk_norm_params = 0;  // of q and k together
  int64_t sinks_per_head = 0;  // one learned logit per head (gpt-oss)
};
[[nodiscard]] AttentionShape grouped_attention(const GroupedAttention& a);

struct LatentAttention {
  int64_t hidden = 0;
  int64_t heads = 0;
  int64_t nope_head_dim = 0;
  int64_t rope_head_dim = 0;
  int64_t v_head_dim = 0;
  int64_t q_lora_rank = 0;  // 0 = queries are not compressed
  int64_t kv_lora_rank = 0;
};
// Multi-head latent attention, DeepSeek-V2 (arXiv:2405.04434).
[[nodiscard]] AttentionShape latent_attention(const LatentAttention& a);

// The MLP of a dense layer: down(act(gate) * up), or down(act(up)).
[[nodiscard]] MlpShape dense_mlp(int64_t hidden, int64_t intermediate, bool gated = true, bool bias = false);

struct RoutedExperts {
  int64_t hidden = 0;
  int64_t experts = 0;
  int64_t per_token = 0;
  int64_t intermediate = 0;
  bool gated = true;
  bool bias = false;
  int64_t router_bias = 0;          // parameters beside the router's [experts, hidden]
  int64_t shared_intermediate = 0;  // of all shared experts together; 0 = none
  bool shared_gate = false;         // one output that scales the shared expert (Qwen2-MoE)
};
[[nodiscard]] MlpShape routed_mlp(const RoutedExperts& e);

}  // namespace kerf
