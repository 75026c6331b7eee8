#include "kerf/io/model_shape/parts.h"

namespace kerf {

AttentionShape grouped_attention(const GroupedAttention& a) {
  const int64_t v_head_dim = a.v_head_dim > 0 ? a.v_head_dim : a.head_dim;
  const int64_t q = a.heads * a.head_dim * (a.output_gate ? 2 : 1);
  const int64_t kv = a.kv_heads * (a.head_dim + (a.shared_kv ? 0 : v_head_dim));
  const int64_t rows = a.hidden + (a.qkv_bias ? 1 : 0);
  AttentionShape shape;
  shape.heads = a.heads;
  shape.kv_heads = a.kv_heads;
  shape.head_dim = a.head_dim;
  shape.v_head_dim = v_head_dim;
  shape.window = a.window;
  shape.column_params = (q + kv) * rows;
  shape.kv_column_params = kv * rows;
  shape.plain_column_params = a.qkv_bias ? q + kv : 0;
  shape.row_params = a.heads * v_head_dim * a.hidden;
  shape.replicated_params = (a.output_bias ? a.hidden : 0) + a.qk_norm_params + a.heads * a.sinks_per_head;
  shape.plain_replicated_params = shape.replicated_params;
  return shape;
}

AttentionShape latent_attention(const LatentAttention& a) {
  const int64_t head_dim = a.nope_head_dim + a.rope_head_dim;
  const int64_t q_in = a.q_lora_rank > 0 ? a.q_lora_rank : a.hidden;
  AttentionShape shape;
  shape.kind = AttentionKind::kLatent;
  shape.heads = a.heads;
  shape.kv_heads = 1;
  shape.head_dim = head_dim;
  shape.v_head_dim = a.v_head_dim;
  shape.q_lora_rank = a.q_lora_rank;
  shape.kv_lora_rank = a.kv_lora_rank;
  shape.rope_head_dim = a.rope_head_dim;
  const int64_t kv_up = a.kv_lora_rank * a.heads * (a.nope_head_dim + a.v_head_dim);
  shape.column_params = q_in * a.heads * head_dim + kv_up;
  shape.row_params = a.heads * a.v_head_dim * a.hidden;
  const int64_t kv_down = a.hidden * (a.kv_lora_rank + a.rope_head_dim);
  shape.plain_replicated_params = a.kv_lora_rank + a.q_lora_rank;  // norms
  shape.replicated_params = a.hidden * a.q_lora_rank + kv_down + shape.plain_replicated_params;
  return shape;
}

MlpShape dense_mlp(int64_t hidden, int64_t intermediate, bool gated, bool bias) {
  const int64_t inner = gated ? 2 * intermediate : intermediate;
  MlpShape mlp;
  mlp.intermediate = intermediate;
  mlp.gated = gated;
  mlp.plain_params = bias && intermediate > 0 ? inner + hidden : 0;
  mlp.dense_params = hidden * (inner + intermediate) + mlp.plain_params;
  return mlp;
}

MlpShape routed_mlp(const RoutedExperts& e) {
  MlpShape mlp = dense_mlp(e.hidden, e.shared_intermediate, e.gated, e.bias);
  const MlpShape expert = dense_mlp(e.hidden, e.intermediate, e.gated, e.bias);
  mlp.experts = e.experts;
  mlp.experts_per_token = e.per_token;
  mlp.expert_intermediate = e.intermediate;
  mlp.expert_params = expert.dense_params;
  mlp.plain_expert_params = expert.plain_params;
  mlp.router_params = e.hidden * e.experts + e.router_bias + (e.shared_gate ? e.hidden : 0);
  return mlp;
}

}  // namespace kerf
