// RMS norm (Zhang and Sennrich, arXiv:1910.07467), per row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kerf/nn/weights.h"

namespace kerf {

class RmsNorm {
 public:
  // `name`.weight is [width]. adds_one: multiply by (1 + weight), as Gemma does.
  [[nodiscard]] static Result<RmsNorm> load(Weights& weights, const std::string& name, int64_t width, double eps,
                                            bool adds_one);

  //   x, y  // [rows, width] f32; y may be x
  void forward(const Exec& exec, const float* x, int64_t rows, float* y) const;

  [[nodiscard]] int64_t width() const { return static_cast<int64_t>(weight_.size()); }

  // One row on the calling thread; y may be x.
  void row(const Kernels& kernels, const float* x, float* y) const;

 private:
  std::vector<float> weight_;
  float eps_ = 0;
};

}  // namespace kerf
