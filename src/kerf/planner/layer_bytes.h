// The bytes of a model's parts, uncut, by what cuts them.
#pragma once

#include "kerf/spec/model_shape.h"

namespace kerf {

// One kind of layer.
struct LayerBytes {
  double by_heads = 0;         // weights: queries and output, or a state-space mixer
  double by_kv_heads = 0;      // keys and values
  double replicated = 0;       // norms, routers, latent down-projections
  double by_intermediate = 0;  // the dense MLP, or the shared experts
  double of_expert = 0;        // one routed expert

  double kv_of_head = 0;      // cache, per token and key-value head
  double kv_replicated = 0;   // cache, per token, on every rank
  double kv_counts = 1;       // the part of a sequence's tokens that stay in the cache
  double state_of_model = 0;  // per sequence

  // length: tokens of a sequence, which a window bounds; 0 = windows are ignored.
  LayerBytes(const ModelShape& model, const LayerShape& layer, double length);

  [[nodiscard]] double weights(const MlpShape& mlp) const;
};

[[nodiscard]] double embedding_bytes(const ModelShape& model);
[[nodiscard]] double head_bytes(const ModelShape& model);  // 0 when tied
// Of parameters that quantisation leaves alone.
[[nodiscard]] double plain_bytes(const ModelShape& model, int64_t params);

}  // namespace kerf
