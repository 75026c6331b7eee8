#include "kerf/model/stage.h"

#include <algorithm>
#include <utility>

namespace kerf {

namespace {

constexpr std::string_view kEmbeddingName = "model.embed_tokens";
constexpr std::string_view kHeadName = "lm_head";
constexpr std::string_view kFinalNormName = "model.norm";

WeightFormat format_of(DType dtype) {
  switch (dtype) {
    case DType::kF32: return WeightFormat::kF32;
    case DType::kF16: return WeightFormat::kF16;
    case DType::kBF16: return WeightFormat::kBF16;
    case DType::kI32:
    case DType::kU8:
    case DType::kI8: break;
  }
  KERF_CHECK(false, "no weight format for this dtype");
}

struct Formats {
  WeightFormat linears, head;
};

Formats formats_of(const Stage::Config& config) {
  switch (config.quantization) {
    case Quantization::kInt8: return {WeightFormat::kInt8, WeightFormat::kInt8};
    case Quantization::kInt4: return {WeightFormat::kInt4, WeightFormat::kInt8};
    case Quantization::kNone: break;
  }
  return {format_of(config.dtype), format_of(config.dtype)};
}

}  // namespace

// A token costs, in the widest place: the block's three rows, one linear's prepared input and its output, every
// node that an uneven cut leaves of a row-parallel sum, and the angles.
int64_t Stage::scratch_bytes(const ModelSpec& model, const Config& config) {
  const int64_t heads = (model.num_heads + 2 * model.num_kv_heads) * model.head_dim;
  const int64_t widest = 2 * std::max({heads, 2 * model.intermediate_size, model.hidden_size});
  const int64_t per_token = (4 + kMaxSlices) * model.hidden_size + 2 * widest + 2 * model.head_dim;
  const int64_t per_row = 2 * model.vocab_size + 3 * model.hidden_size;
  constexpr int64_t kAlignment = 64 * 1024;  // what rounding every piece up to cache lines may add
  const int64_t floats = config.max_tokens * per_token + config.max_logit_rows * per_row + Attention::kMaxShareFloats;
  return floats * 4 + kAlignment;
}

Stage::Stage(const ModelSpec& model, KvCache cache, size_t scratch_bytes, ThreadPool& pool)
    : model_(model),
      scratch_(std::make_unique<Arena>(scratch_bytes)),
      exec_{.kernels = kernels(), .pool = pool, .scratch = *scratch_},
      cache_(std::move(cache)),
      rope_(model.rope, model.head_dim) {}

Result<Stage> Stage::load(const ModelSpec& model, const Plan& plan, int stage, int tp_rank, Checkpoint& checkpoint,
                          const Config& config, ThreadPool& pool, std::function<void(int64_t)> done) {
  const Architecture* architecture = find_architecture(model.model_type);
  KERF_CHECK(architecture != nullptr);
  const TensorCut cut = cut_tensors(model, plan);
  const Range layers = stage_layers(model, plan, stage);
  Stage result(model,
               KvCache(layers.size(), cut.kv_heads(tp_rank, model).size(), model.head_dim, config.kv_blocks,
                       config.kv_cache_dtype.value_or(config.dtype)),
               static_cast<size_t>(scratch_bytes(model, config)), pool);
  const Formats formats = formats_of(config);
  Weights weights(checkpoint, formats.linears, result.exec_, done);

  if (stage == 0) {
    KERF_TRY(result.embedding_, Embedding::load(weights, model, std::string(kEmbeddingName), cut, tp_rank));
  }
  for (int64_t layer = layers.begin; layer < layers.end; ++layer) {
    KERF_TRY(Block block, Block::load(weights, model, architecture->names, cut, tp_rank, layer, layers.begin));
    result.blocks_.push_back(std::move(block));
    result.local_rope_.push_back(model.layers[static_cast<size_t>(layer)].local_rope);
  }
  if (std::find(result.local_rope_.begin(), result.local_rope_.end(), true) != result.local_rope_.end()) {
    result.rope_local_.emplace(model.local_rope, model.head_dim);
  }
  if (stage == plan.pp - 1) {
    Weights head_weights(checkpoint, formats.head, result.exec_, std::move(done));
    const std::string head(model.tied_embeddings ? kEmbeddingName : kHeadName);
    KERF_TRY(result.final_norm_, RmsNorm::load(weights, std::string(kFinalNormName), model.hidden_size, model.norm_eps,
                                               model.norm_adds_one));
    KERF_TRY(result.head_, Head::load(head_weights, model, head, cut, tp_rank));
  }
  return result;
}

void Stage::forward(TensorParallel& tp, const Batch& batch, float* hidden) {
  const Arena::Frame frame(*scratch_);
  const int64_t angles = batch.tokens() * model_.head_dim / 2;
  const auto angles_of = [&](const Rope& rope) {
    auto* cos = scratch_->take<float>(angles);
    auto* sin = scratch_->take<float>(angles);
    rope.fill(batch.positions, cos, sin);
    return Rotation{.cos = cos, .sin = sin};
  };
  const Rotation rotation = angles_of(rope_);
  const Rotation local_rotation = rope_local_ ? angles_of(*rope_local_) : rotation;

  if (embedding_) embedding_->forward(exec_, tp, batch.ids, hidden);
  const int64_t reductions_before = tp.reductions();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].forward(exec_, tp, batch, local_rope_[i] ? local_rotation : rotation, cache_, hidden);
  }
  layer_reductions_ += tp.reductions() - reductions_before;
  layers_run_ += num_layers();
}

void Stage::logits(TensorParallel& tp, const Batch& batch, const float* hidden, float* out) {
  const Arena::Frame frame(*scratch_);
  const int64_t width = model_.hidden_size;
  const auto rows = static_cast<int64_t>(batch.logit_rows.size());
  auto* whole = scratch_->take<float>(batch.tokens() * width);
  auto* normed = scratch_->take<float>(rows * width);
  const float* all = tp.gather(hidden, batch.tokens(), width, whole);
  exec_.pool.parallel_for(static_cast<int>(rows), [&](int row) {
    final_norm_->row(exec_.kernels, all + batch.logit_rows[static_cast<size_t>(row)] * width, normed + row * width);
  });
  head_->forward(exec_, tp, normed, rows, out);
}

}  // namespace kerf
