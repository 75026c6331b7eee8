// Self-attention over the paged KV cache, query heads cut over the tp group.
//
// A rank owns consecutive query heads and the KV heads they read (grouped-query attention,
// arXiv:2305.13245); where ranks outnumber KV heads, each keeps a copy of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "kerf/nn/batch.h"
#include "kerf/nn/kv_cache.h"
#include "kerf/nn/linear.h"
#include "kerf/nn/norm.h"
#include "kerf/spec/architecture.h"
#include "kerf/spec/model_spec.h"

namespace kerf {

// cos and sin of every token of a batch: [tokens, head_dim / 2] f32.
struct Rotation {
  const float* cos;
  const float* sin;
};

class Attention {
 public:
  // prefix: "model.layers.3."; layer: its number within this stage's cache.
  [[nodiscard]] static Result<Attention> load(Weights& weights, const ModelSpec& model, const LayerNames& names,
                                              const std::string& prefix, const LayerSpec& spec, const TensorCut& cut,
                                              int rank, int64_t layer);

  //   x  // [tokens, hidden] f32, Replicated, normed
  //   y  // [own tokens, hidden] f32, placed as the residual is
  // after_row: see RowLinear; x is not read any more by then.
  void forward(const Exec& exec, TensorParallel& tp, const Batch& batch, Rotation rotation, KvCache& cache,
               const float* x, float* y, const std::function<void(int64_t row)>& after_row) const;

  // Tokens of one sequence, at consecutive positions, that read the cache together.
  struct Tile {
    int64_t token;  // the first
    int64_t tokens;
  };
  // f32 of scratch that forward() may take for parts of sums, beyond what grows with tokens: 32 MB hold one token of a
  // model of 4096 over 128k positions. Touched only as far as used.
  static constexpr int64_t kMaxShareFloats = int64_t{8} << 20;

 private:
  // What one rank holds of a layer's heads.
  struct Heads {
    Range q;        // query heads, numbered over the whole model
    Range kv;       // KV heads
    int64_t group;  // query heads per KV head, over the whole model
    int64_t dim;    // head_dim
    // This rank's query heads that read KV head `kv.begin + i`.
    [[nodiscard]] Range readers(int64_t i) const;
  };

  Attention(Heads heads, ColumnLinear qkv, RowLinear output)
      : heads_(heads), qkv_(std::move(qkv)), output_(std::move(output)) {}

  void rotate_and_store(const Exec& exec, const Batch& batch, Rotation rotation, KvCache& cache, float* qkv) const;
  void attend(const Exec& exec, const Batch& batch, const KvCache& cache, const float* qkv, float* out) const;
  [[nodiscard]] bool attend_by_blocks(const Exec& exec, const Batch& batch, const KvCache& cache, const float* qkv,
                                      float* out) const;
  [[nodiscard]] AttentionArgs args_of(const Batch& batch, const KvCache& cache, const float* qkv, float* out, Tile tile,
                                      int64_t kv) const;

  Heads heads_;
  ColumnLinear qkv_;  // this rank's rows of Q, K and V, stacked
  RowLinear output_;
  std::optional<RmsNorm> q_norm_, k_norm_;
  int64_t layer_ = 0;
  int64_t window_ = 0;
  float scale_ = 1;
  float softcap_ = 0;
};

}  // namespace kerf
