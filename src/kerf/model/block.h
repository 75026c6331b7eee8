// One transformer layer.
#pragma once

#include <optional>
#include <string>

#include "kerf/nn/attention.h"
#include "kerf/nn/mlp.h"
#include "kerf/nn/norm.h"

namespace kerf {

class Block {
 public:
  // layer: its number in the model, which names its tensors; first_layer: the stage's first.
  [[nodiscard]] static Result<Block> load(Weights& weights, const ModelSpec& model, const LayerNames& names,
                                          const TensorCut& cut, int rank, int64_t layer, int64_t first_layer);

  // hidden += attention(norm(hidden)); hidden += mlp(norm(hidden)).
  //   hidden  // [own tokens, hidden] f32, placed as the residual is
  void forward(const Exec& exec, TensorParallel& tp, const Batch& batch, Rotation rotation, KvCache& cache,
               float* hidden) const;

 private:
  Block(RmsNorm input_norm, Attention attention, RmsNorm mlp_norm, Mlp mlp)
      : input_norm_(std::move(input_norm)),
        attention_(std::move(attention)),
        mlp_norm_(std::move(mlp_norm)),
        mlp_(std::move(mlp)) {}

  RmsNorm input_norm_;
  Attention attention_;
  std::optional<RmsNorm> post_attention_norm_;
  RmsNorm mlp_norm_;
  Mlp mlp_;
  std::optional<RmsNorm> post_mlp_norm_;
};

}  // namespace kerf
