#include "kerf/nn/embedding.h"

#include <algorithm>
#include <utility>

namespace kerf {

Result<Embedding> Embedding::load(Weights& weights, const ModelSpec& model, const std::string& name,
                                  const TensorCut& cut, int rank) {
  const Range own = cut.vocab(rank);
  KERF_TRY(const MatrixView table, weights.view({.name = name + ".weight",
                                                 .rows = model.vocab_size,
                                                 .cols = model.hidden_size,
                                                 .row_range = own,
                                                 .col_range = {0, model.hidden_size}}));
  return Embedding(table, own, static_cast<float>(model.embedding_scale),
                   static_cast<int>(cut.vocab_bounds.size()) - 1);
}

void Embedding::forward(const Exec& exec, TensorParallel& tp, std::span<const int32_t> ids, float* hidden) const {
  const Arena::Frame frame(exec.scratch);
  const int64_t width = table_.cols;
  const auto tokens = static_cast<int64_t>(ids.size());
  auto* rows = exec.scratch.take<float>(tokens * width);
  exec.pool.parallel_for(static_cast<int>(tokens), [&](int token) {
    float* row = rows + token * width;
    const int64_t id = ids[static_cast<size_t>(token)];
    if (id < own_.begin || id >= own_.end) {
      std::fill_n(row, width, 0.0F);
      return;
    }
    exec.kernels.widen(table_.row(id - own_.begin), table_.dtype, width, row);
    exec.kernels.scale(row, scale_, width);
    // A sum with another rank's zeros turns -0 into +0; so does this, when there is no other rank.
    for (int64_t i = 0; i < width; ++i) row[i] += 0.0F;
  });
  tp.reduce(rows, tokens, width, tree_, hidden);
}

Result<Head> Head::load(Weights& weights, const ModelSpec& model, const std::string& name, const TensorCut& cut,
                        int rank) {
  const ColumnLinear::Output output{.name = name, .rows = model.vocab_size, .own = cut.vocab(rank)};
  KERF_TRY(ColumnLinear linear, ColumnLinear::load(weights, {&output, 1}, model.hidden_size, false));
  return Head(std::move(linear), cut.vocab_bounds, static_cast<float>(model.logit_softcap));
}

void Head::forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t rows, float* logits) const {
  const Arena::Frame frame(exec.scratch);
  const int64_t vocab = bounds_.back();
  auto* own = exec.scratch.take<float>(rows * linear_.n());
  auto* parts = exec.scratch.take<float>(rows * vocab);  // rank after rank, each [rows, its vocab]
  linear_.forward(exec, x, rows, own);
  if (softcap_ > 0) exec.kernels.softcap(own, softcap_, rows * linear_.n());

  std::vector<int64_t> gathered = bounds_;
  for (int64_t& bound : gathered) bound *= rows;
  tp.group().all_gather(ConstTensor(own, {rows * linear_.n()}), Tensor(parts, {rows * vocab}), gathered);
  for (size_t rank = 0; rank + 1 < bounds_.size(); ++rank) {
    const int64_t width = bounds_[rank + 1] - bounds_[rank];
    for (int64_t row = 0; row < rows; ++row) {
      std::copy_n(parts + gathered[rank] + row * width, width, logits + row * vocab + bounds_[rank]);
    }
  }
}

}  // namespace kerf
