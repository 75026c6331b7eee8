// The gated feed-forward layer (Shazeer, arXiv:2002.05202): down(act(gate(x)) · up(x)).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "kerf/nn/linear.h"
#include "kerf/spec/architecture.h"
#include "kerf/spec/model_spec.h"

namespace kerf {

class Mlp {
 public:
  [[nodiscard]] static Result<Mlp> load(Weights& weights, const ModelSpec& model, const LayerNames& names,
                                        const std::string& prefix, const TensorCut& cut, int rank);

  //   x  // [tokens, hidden] f32, Replicated, normed
  //   y  // [own tokens, hidden] f32, placed as the residual is
  // after_row: see RowLinear.
  void forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t tokens, float* y,
               const std::function<void(int64_t row)>& after_row) const;

 private:
  Mlp(ColumnLinear gate_up, RowLinear down, Activation activation)
      : gate_up_(std::move(gate_up)), down_(std::move(down)), activation_(activation) {}

  ColumnLinear gate_up_;  // this rank's rows of gate and up, stacked
  RowLinear down_;
  Activation activation_;
};

}  // namespace kerf
