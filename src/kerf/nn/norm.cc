#include "kerf/nn/norm.h"

namespace kerf {

Result<RmsNorm> RmsNorm::load(Weights& weights, const std::string& name, int64_t width, double eps, bool adds_one) {
  RmsNorm norm;
  KERF_TRY(norm.weight_, weights.vector(name + ".weight", width, {0, width}));
  if (adds_one) {
    for (float& w : norm.weight_) w += 1.0F;
  }
  norm.eps_ = static_cast<float>(eps);
  return norm;
}

void RmsNorm::row(const Kernels& kernels, const float* x, float* y) const {
  kernels.rms_norm(x, weight_.data(), eps_, width(), y);
}

void RmsNorm::forward(const Exec& exec, const float* x, int64_t rows, float* y) const {
  exec.pool.parallel_for(static_cast<int>(rows), [&](int i) { row(exec.kernels, x + i * width(), y + i * width()); });
}

}  // namespace kerf
