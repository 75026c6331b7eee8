#include "kerf/nn/mlp.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kerf {

namespace {

// Elements of a row that are worth another thread: about a microsecond's work.
constexpr int64_t kPiece = 1024;

int64_t pieces_of_rows(int64_t rows, int threads) { return std::max<int64_t>(1, threads / std::max<int64_t>(1, rows)); }

// Where the i-th of `pieces` parts of a row of n begins: at a cache line, as far as the row itself does.
int64_t cut(int64_t n, int64_t i, int64_t pieces) {
  constexpr int64_t kLine = 16;
  return std::min(n, (n * i / pieces + kLine - 1) / kLine * kLine);
}

}  // namespace

Result<Mlp> Mlp::load(Weights& weights, const ModelSpec& model, const LayerNames& names, const std::string& prefix,
                      const TensorCut& cut, int rank) {
  const int64_t inner = model.intermediate_size;
  const Range own = cut.intermediate.units(rank);
  const auto output = [&](std::string_view own_name, int64_t offset) {
    const bool fused = !names.gate_up.empty();
    return ColumnLinear::Output{.name = prefix + std::string(fused ? names.gate_up : own_name),
                                .rows = inner,
                                .own = own,
                                .offset = fused ? offset : 0,
                                .fused_rows = fused ? 2 * inner : 0};
  };
  const std::array outputs = {output(names.gate, 0), output(names.up, inner)};
  KERF_TRY(ColumnLinear gate_up, ColumnLinear::load(weights, outputs, model.hidden_size, model.mlp_bias));
  KERF_TRY(RowLinear down, RowLinear::load(weights, prefix + std::string(names.down), model.hidden_size, inner,
                                           cut.intermediate, 1, rank, model.mlp_bias));
  return Mlp(std::move(gate_up), std::move(down), model.activation);
}

void Mlp::forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t tokens, float* y,
                  const std::function<void(int64_t row)>& after_row) const {
  const Arena::Frame frame(exec.scratch);
  const int64_t inner = gate_up_.n() / 2;  // on this rank
  auto* both = exec.scratch.take<float>(tokens * 2 * inner);
  auto* gated = exec.scratch.take<float>(tokens * inner);
  gate_up_.forward(exec, x, tokens, both);
  const auto multiply = activation_ == Activation::kSilu ? exec.kernels.silu_mul : exec.kernels.gelu_tanh_mul;
  // A few tokens' rows are cut into pieces, so that every thread has one.
  const int64_t pieces = std::min(pieces_of_rows(tokens, exec.pool.threads()), (inner + kPiece - 1) / kPiece);
  exec.pool.parallel_for(static_cast<int>(tokens * pieces), [&](int task) {
    const int64_t token = task / pieces;
    const int64_t begin = cut(inner, task % pieces, pieces);
    const int64_t end = cut(inner, task % pieces + 1, pieces);
    const float* gate = both + token * 2 * inner;
    multiply(gate + begin, gate + inner + begin, gated + token * inner + begin, end - begin);
  });
  down_.forward(exec, tp, gated, tokens, y, after_row);
}

}  // namespace kerf
