#include "kerf/nn/linear.h"

#include <utility>

namespace kerf {

namespace {

void add_bias(const Exec& exec, const std::vector<float>& bias, int64_t rows, float* y) {
  if (bias.empty()) return;
  const auto n = static_cast<int64_t>(bias.size());
  for (int64_t row = 0; row < rows; ++row) exec.kernels.add(y + row * n, bias.data(), n);
}

}  // namespace

Result<ColumnLinear> ColumnLinear::load(Weights& weights, std::span<const Output> outputs, int64_t k, bool bias) {
  ColumnLinear linear;
  std::vector<Weights::Part> parts;
  for (const Output& output : outputs) {
    const int64_t rows = output.fused_rows == 0 ? output.rows : output.fused_rows;
    const Range own = {output.offset + output.own.begin, output.offset + output.own.end};
    parts.push_back({.name = output.name + ".weight", .rows = rows, .cols = k, .row_range = own, .col_range = {0, k}});
    if (!bias) continue;
    KERF_TRY(const std::vector<float> part, weights.vector(output.name + ".bias", rows, own));
    linear.bias_.insert(linear.bias_.end(), part.begin(), part.end());
  }
  KERF_TRY(linear.matrix_, weights.matrix(parts, {0, k}, {.merges = {0}, .results = 1, .depth = 1}));
  return linear;
}

void ColumnLinear::forward(const Exec& exec, const float* x, int64_t tokens, float* y) const {
  matrix_.multiply(exec, x, tokens, y);
  add_bias(exec, bias_, tokens, y);
}

Result<RowLinear> RowLinear::load(Weights& weights, const std::string& name, int64_t n, int64_t k, const RowCut& cut,
                                  int64_t k_per_unit, int rank, bool bias) {
  const Range units = cut.units(rank);
  const Weights::Part part{.name = name + ".weight",
                           .rows = n,
                           .cols = k,
                           .row_range = {0, n},
                           .col_range = {units.begin * k_per_unit, units.end * k_per_unit}};
  KERF_TRY(PackedMatrix matrix, weights.matrix({&part, 1}, cut.local_bounds(rank, k_per_unit), cut.tree.local(rank)));
  std::vector<float> whole_bias;
  if (bias) {
    KERF_TRY(whole_bias, weights.vector(name + ".bias", n, {0, n}));
  }
  return RowLinear(std::move(matrix), cut.tree, std::move(whole_bias));
}

void RowLinear::forward(const Exec& exec, TensorParallel& tp, const float* x, int64_t tokens, float* y,
                        const std::function<void(int64_t row)>& after_row) const {
  const Arena::Frame frame(exec.scratch);
  const int64_t n = matrix_.n();
  const auto finish_row = [&](int64_t row) {
    if (!bias_.empty()) exec.kernels.add(y + row * n, bias_.data(), n);
    after_row(row);
  };
  if (float* nodes = tp.node_memory(tokens, n, tree_); nodes != nullptr) {
    matrix_.multiply(exec, x, tokens, nodes);
    tp.group().publish_nodes(tokens * n, tree_);
    exec.pool.parallel_for(static_cast<int>(tokens), [&](int row) {
      tp.group().sum_published(row * n, tree_, Tensor(y + row * n, {n}));
      finish_row(row);
    });
    return;
  }
  // One node, Replicated: it is summed where it lies.
  const int64_t own = tp.own_tokens(tokens).size();
  auto* nodes = matrix_.results() == 1 && own == tokens ? y : exec.scratch.take<float>(matrix_.results() * tokens * n);
  matrix_.multiply(exec, x, tokens, nodes);
  tp.reduce(nodes, tokens, n, tree_, y);
  exec.pool.parallel_for(static_cast<int>(own), finish_row);
}

}  // namespace kerf
