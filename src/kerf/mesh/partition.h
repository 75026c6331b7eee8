// Who owns which part of a model under a plan: pure functions, from (model, plan, rank) to ranges.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/plan.h"
#include "kerf/spec/reduction.h"

namespace kerf {

struct Range {
  int64_t begin = 0;
  int64_t end = 0;
  [[nodiscard]] int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// How the inner dimension of a row-parallel linear is cut: the model's canonical slices, and which
// of them each tensor-parallel rank owns. The column-parallel linear that feeds it is cut alike.
struct RowCut {
  std::vector<int64_t> slice_bounds;  // [slices + 1], in units (heads, or elements of K)
  std::vector<int64_t> rank_bounds;   // [tp + 1], in slices
  ReductionTree tree;

  // The units that `rank` owns, and its slices' bounds relative to the first of them.
  [[nodiscard]] Range units(int rank) const;
  [[nodiscard]] std::vector<int64_t> local_bounds(int rank, int64_t elements_per_unit) const;
};

// Everything that tensor parallelism cuts. The same for every stage and layer.
struct TensorCut {
  RowCut heads;                       // attention; units are query heads
  RowCut intermediate;                // MLP; units are elements of intermediate_size
  std::vector<int64_t> vocab_bounds;  // [tp + 1]; rows of the embedding and of the head

  // The KV heads that the query heads of `rank` read: replicated where several ranks share one.
  [[nodiscard]] Range kv_heads(int rank, const ModelSpec& model) const;
  [[nodiscard]] Range vocab(int rank) const;
};

// Refuses, in one sentence, a plan that the model cannot be cut by.
[[nodiscard]] Status check_plan(const ModelSpec& model, const Plan& plan);

// REQUIRES: check_plan(model, plan)
[[nodiscard]] TensorCut cut_tensors(const ModelSpec& model, const Plan& plan);
[[nodiscard]] Range stage_layers(const ModelSpec& model, const Plan& plan, int stage);

}  // namespace kerf
