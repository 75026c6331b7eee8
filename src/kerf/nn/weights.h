// Weights: from a checkpoint's tensors to this rank's packed matrices.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kerf/base/arena.h"
#include "kerf/base/result.h"
#include "kerf/io/checkpoint.h"
#include "kerf/kernels/kernels.h"
#include "kerf/mesh/partition.h"
#include "kerf/nn/exec.h"

namespace kerf {

// A matrix [n, k], packed for the matmul, with the order in which K is summed.
class PackedMatrix {
 public:
  PackedMatrix() = default;

  // Packs the rows of `parts`, stacked, each [its rows, k]. k_bounds are the slices of K, merges
  // the part of their tree that lies on this rank. `packed` is told, from any thread, which rows are done with.
  PackedMatrix(WeightFormat format, std::span<const MatrixView> parts, std::vector<int64_t> k_bounds,
               const MergeProgram& program, const Exec& exec, void (*packed)(const MatrixView& rows));

  [[nodiscard]] int64_t n() const { return n_; }
  [[nodiscard]] int64_t k() const { return bounds_.back(); }
  [[nodiscard]] int results() const { return program_.results; }

  // out = x Wᵀ, one result for each node that the merges leave.
  //   x    // [m, k] f32
  //   out  // [results, m, n] f32
  void multiply(const Exec& exec, const float* x, int64_t m, float* out) const;

 private:
  [[nodiscard]] KSlices slices() const;

  WeightFormat format_ = WeightFormat::kF32;
  int64_t n_ = 0;
  std::vector<int64_t> bounds_;
  MergeProgram program_;
  Buffer data_;
};

// Reads tensors by name, takes this rank's part, and counts its bytes. One per rank, used while
// loading. `done` is told the bytes read so far.
class Weights {
 public:
  Weights(Checkpoint& checkpoint, WeightFormat format, const Exec& exec, std::function<void(int64_t)> done = {});

  // Rows [r0, r1) and columns [c0, c1) of the tensor `name`, which must be [rows, cols].
  struct Part {
    std::string name;
    int64_t rows, cols;
    Range row_range, col_range;
  };

  // Stacks the parts' rows and packs them: see PackedMatrix.
  [[nodiscard]] Result<PackedMatrix> matrix(std::span<const Part> parts, std::vector<int64_t> k_bounds,
                                            const MergeProgram& program);

  // The same bytes unpacked, as they are in the file.
  [[nodiscard]] Result<MatrixView> view(const Part& part);

  // Elements `range` of the vector `name`, which must be [size], widened to f32.
  [[nodiscard]] Result<std::vector<float>> vector(const std::string& name, int64_t size, Range range);

 private:
  Checkpoint& checkpoint_;
  WeightFormat format_;
  const Exec& exec_;
  std::function<void(int64_t)> done_;
};

}  // namespace kerf
