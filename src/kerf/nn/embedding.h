// The vocabulary's two ends, cut by rows over the tp group: embedding and output head.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kerf/nn/linear.h"
#include "kerf/spec/model_spec.h"

namespace kerf {

class Embedding {
 public:
  [[nodiscard]] static Result<Embedding> load(Weights& weights, const ModelSpec& model, const std::string& name,
                                              const TensorCut& cut, int rank);

  // Each rank fills in the ids it owns and leaves zeros elsewhere; the sum is the embedding.
  //   hidden  // [own tokens, hidden] f32, placed as the residual is
  void forward(const Exec& exec, TensorParallel& tp, std::span<const int32_t> ids, float* hidden) const;

 private:
  Embedding(MatrixView table, Range own, float scale, int ranks)
      : table_(table), own_(own), scale_(scale), tree_(even_bounds(ranks, ranks)) {}

  MatrixView table_;  // this rank's rows, where the checkpoint is mapped
  Range own_;         // their ids
  float scale_;
  ReductionTree tree_;  // ranks are its slices: all but one summand is zero, so any order is exact
};

class Head {
 public:
  [[nodiscard]] static Result<Head> load(Weights& weights, const ModelSpec& model, const std::string& name,
                                         const TensorCut& cut, int rank);

  //   x       // [rows, hidden] f32, Replicated, normed
  //   logits  // [rows, vocab] f32, Replicated
  void forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t rows, float* logits) const;

 private:
  Head(ColumnLinear linear, std::vector<int64_t> bounds, float softcap)
      : linear_(std::move(linear)), bounds_(std::move(bounds)), softcap_(softcap) {}

  ColumnLinear linear_;
  std::vector<int64_t> bounds_;  // [tp + 1], the vocabulary's cut
  float softcap_;                // 0 = none
};

}  // namespace kerf
