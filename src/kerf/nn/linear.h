// The two halves of a tensor-parallel layer (Megatron-LM, arXiv:1909.08053, section 3).
//
//   ColumnLinear  y = x Wᵀ + b   W cut by rows (outputs):  x Replicated → y Split, no communication
//   RowLinear     y = x Wᵀ + b   W cut by columns (inputs): x Split → y Partial → reduced, then b once
//
// A column-parallel output is a whole sum in one order, so any cut gives its bits. A row-parallel
// sum is cut along K, in the model's canonical slices (spec/reduction.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kerf/nn/tensor_parallel.h"
#include "kerf/nn/weights.h"

namespace kerf {

class ColumnLinear {
 public:
  // One of the stacked outputs: rows `own` of the [rows, k] tensor `name`.weight, which start at
  // row `offset` when the checkpoint keeps several outputs fused in one tensor of `fused_rows`.
  struct Output {
    std::string name;
    int64_t rows;
    Range own;
    int64_t offset = 0;
    int64_t fused_rows = 0;  // 0: the tensor is this output alone
  };

  [[nodiscard]] static Result<ColumnLinear> load(Weights& weights, std::span<const Output> outputs, int64_t k,
                                                 bool bias);

  [[nodiscard]] int64_t n() const { return matrix_.n(); }  // outputs on this rank

  //   x  // [tokens, k] f32, Replicated
  //   y  // [tokens, n()] f32, Split: the outputs' own rows, stacked
  void forward(const Exec& exec, const float* x, int64_t tokens, float* y) const;

 private:
  PackedMatrix matrix_;
  std::vector<float> bias_;  // [n()] or empty
};

class RowLinear {
 public:
  // `name`.weight is [n, k]; `cut` cuts k, in units of k_per_unit elements.
  [[nodiscard]] static Result<RowLinear> load(Weights& weights, const std::string& name, int64_t n, int64_t k,
                                              const RowCut& cut, int64_t k_per_unit, int rank, bool bias);

  //   x  // [tokens, this rank's k] f32, Split
  //   y  // [own tokens, n] f32, placed as the residual is
  // after_row is called once for each row of y, on any thread, as soon as it is there and while it is in cache.
  void forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t tokens, float* y,
               const std::function<void(int64_t row)>& after_row) const;

 private:
  RowLinear(PackedMatrix matrix, ReductionTree tree, std::vector<float> bias)
      : matrix_(std::move(matrix)), tree_(std::move(tree)), bias_(std::move(bias)) {}

  PackedMatrix matrix_;
  ReductionTree tree_;
  std::vector<float> bias_;  // [n] or empty
};

}  // namespace kerf
