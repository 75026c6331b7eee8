// Stage: the consecutive layers that one pipeline position holds, with the embedding before the
// first and the head after the last.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kerf/io/checkpoint.h"
#include "kerf/model/block.h"
#include "kerf/nn/embedding.h"
#include "kerf/nn/rope.h"
#include "kerf/spec/plan.h"
#include "kerf/spec/quantization.h"

namespace kerf {

class Stage {
 public:
  struct Config {
    DType dtype;             // of weights that are not quantised
    int64_t max_tokens;      // largest batch
    int64_t max_logit_rows;  // most rows of logits in a batch
    int64_t kv_blocks;       // blocks of the KV cache
    Quantization quantization = Quantization::kNone;
    std::optional<DType> kv_cache_dtype = std::nullopt;  // float or kI8; none = dtype
  };

  // An upper bound of the f32 scratch that a pass holds at once; memory is touched only as far as it is used.
  [[nodiscard]] static int64_t scratch_bytes(const ModelSpec& model, const Config& config);

  // Reads and packs what (stage, tp_rank) holds under `plan`, and nothing else.
  // REQUIRES: check_plan(model, plan)
  [[nodiscard]] static Result<Stage> load(const ModelSpec& model, const Plan& plan, int stage, int tp_rank,
                                          Checkpoint& checkpoint, const Config& config, ThreadPool& pool,
                                          std::function<void(int64_t)> done = {});

  [[nodiscard]] bool first() const { return embedding_.has_value(); }
  [[nodiscard]] bool last() const { return head_.has_value(); }
  [[nodiscard]] int64_t num_layers() const { return static_cast<int64_t>(blocks_.size()); }
  [[nodiscard]] int64_t hidden_size() const { return model_.hidden_size; }
  [[nodiscard]] int64_t vocab_size() const { return model_.vocab_size; }
  [[nodiscard]] int64_t kv_bytes() const { return cache_.bytes(); }

  // Sums over the tp group inside layers, and layers run, since the start: two for each layer.
  [[nodiscard]] int64_t layer_reductions() const { return layer_reductions_; }
  [[nodiscard]] int64_t layers_run() const { return layers_run_; }

  // One forward pass of a batch through this stage.
  //   hidden  // [own tokens, hidden] f32, placed as the residual is: in from the stage before
  //              (ignored by the first stage), out for the next one
  void forward(TensorParallel& tp, const Batch& batch, float* hidden);

  // The batch's wanted logits, after forward() on the last stage.
  //   logits  // [batch.logit_rows, vocab] f32, Replicated over tp
  void logits(TensorParallel& tp, const Batch& batch, const float* hidden, float* out);

 private:
  Stage(const ModelSpec& model, KvCache cache, size_t scratch_bytes, ThreadPool& pool);

  ModelSpec model_;
  std::unique_ptr<Arena> scratch_;
  Exec exec_;
  std::optional<Embedding> embedding_;
  std::vector<Block> blocks_;
  std::vector<bool> local_rope_;  // per block: rotates with local_rope
  std::optional<RmsNorm> final_norm_;
  std::optional<Head> head_;
  KvCache cache_;
  Rope rope_;
  int64_t layer_reductions_ = 0;
  int64_t layers_run_ = 0;
  std::optional<Rope> rope_local_;  // where the model has layers that use it
};

}  // namespace kerf
