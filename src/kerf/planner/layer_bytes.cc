#include "kerf/planner/layer_bytes.h"

#include <algorithm>
#include <vector>

#include "kerf/planner/memory.h"

namespace kerf {

namespace {

double count(int64_t n) { return static_cast<double>(n); }

// `params` of which `plain` are not quantised.
double stored_bytes(int64_t params, int64_t plain, const StorageFormat& format, double plain_bits) {
  return (count(params - plain) * format.bits_per_weight() + count(plain) * plain_bits) / 8;
}

}  // namespace

LayerBytes::LayerBytes(const ModelShape& model, const LayerShape& layer, double length) {
  const AttentionShape& a = layer.attention;
  const MlpShape& mlp = layer.mlp;
  const StorageFormat& format = model.attention_format;
  // Biases of q, k and v are spread as their weights are.
  const double column = stored_bytes(a.column_params, a.plain_column_params, format, model.plain_bits);
  by_kv_heads = a.column_params > 0 ? column * count(a.kv_column_params) / count(a.column_params) : 0;
  by_heads = column - by_kv_heads + stored_bytes(a.row_params, 0, format, model.plain_bits);
  const int64_t plain = layer.norm_params + mlp.router_params;
  replicated = stored_bytes(a.replicated_params + plain, a.plain_replicated_params + plain, format, model.plain_bits);
  by_intermediate = stored_bytes(mlp.dense_params, mlp.plain_params, model.mlp_format, model.plain_bits);
  of_expert = stored_bytes(mlp.expert_params, mlp.plain_expert_params, model.expert_format, model.plain_bits);

  const double kv_bytes = model.kv_bits / 8;
  if (a.kind == AttentionKind::kGrouped) kv_of_head = count(a.head_dim + a.v_head_dim) * kv_bytes;
  if (a.kind == AttentionKind::kLatent) kv_replicated = count(a.kv_lora_rank + a.rope_head_dim) * kv_bytes;
  kv_replicated += a.cache_bytes_replicated;
  if (a.window > 0 && length > 0) kv_counts = std::min(1.0, count(a.window) / length);
  if (a.kind == AttentionKind::kLinear) state_of_model = count(a.state_elements) * a.state_bits / 8;
}

double LayerBytes::weights(const MlpShape& mlp) const {
  return by_heads + by_kv_heads + replicated + by_intermediate + count(mlp.experts) * of_expert;
}

double embedding_bytes(const ModelShape& model) {
  return count(model.embedding_params) * model.embedding_format.bits_per_weight() / 8;
}

double head_bytes(const ModelShape& model) {
  return count(model.head_params) * model.head_format.bits_per_weight() / 8;
}

double plain_bytes(const ModelShape& model, int64_t params) { return count(params) * model.plain_bits / 8; }

double weight_bytes(const ModelShape& model) {
  double sum = embedding_bytes(model) + head_bytes(model);
  sum += plain_bytes(model, model.final_norm_params + model.extra_params);
  std::vector<double> of_kind;
  for (const LayerShape& kind : model.kinds) of_kind.push_back(LayerBytes(model, kind, 0).weights(kind.mlp));
  for (const int kind : model.layers) sum += of_kind[static_cast<size_t>(kind)];
  return sum;
}

double kv_bytes_per_token(const ModelShape& model) {
  double sum = 0;
  for (const int index : model.layers) {
    const LayerShape& kind = model.kinds[static_cast<size_t>(index)];
    const LayerBytes bytes(model, kind, 0);
    sum += count(kind.attention.kv_heads) * bytes.kv_of_head + bytes.kv_replicated;
  }
  return sum;
}

}  // namespace kerf
