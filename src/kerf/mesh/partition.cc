#include "kerf/mesh/partition.h"

#include <algorithm>
#include <numeric>

namespace kerf {

namespace {

int slices_for(int64_t units) { return static_cast<int>(std::min<int64_t>(kMaxSlices, units)); }

std::vector<double> tp_weights(const Plan& plan) {
  return plan.tp_weights.empty() ? std::vector<double>(static_cast<size_t>(plan.tp), 1.0) : plan.tp_weights;
}

// Equal weights get the bounds under which a power of two of ranks owns whole subtrees.
std::vector<int64_t> rank_bounds(int64_t units, const Plan& plan) {
  return plan.tp_weights.empty() ? even_bounds(units, plan.tp) : weighted_bounds(units, plan.tp_weights);
}

RowCut cut_rows(int64_t units, int64_t elements_per_unit, const Plan& plan) {
  const int slices = slices_for(units);
  std::vector<int64_t> slice_bounds = even_bounds(units, slices);
  for (int64_t& bound : slice_bounds) bound *= elements_per_unit;
  std::vector<int64_t> ranks = rank_bounds(slices, plan);
  return {.slice_bounds = std::move(slice_bounds), .rank_bounds = ranks, .tree = ReductionTree(ranks)};
}

// A slice of K holds whole groups of quantised weights where they fit in evenly enough: a slice that ends inside one
// is filled up with zeros, which costs half a group on average. With fewer than four groups a slice, slices of one
// group more would cost their ranks more than that. Else it holds whole pairs: the bf16 dot takes two elements at a
// time.
int64_t slice_unit(int64_t k) {
  constexpr int64_t kGroup = 32;  // kernels.h's, which this floor does not see
  if (k % kGroup == 0 && k / kGroup >= 4 * kMaxSlices) return kGroup;
  return k % 2 == 0 ? 2 : 1;
}

Range at(const std::vector<int64_t>& bounds, int i) {
  return {bounds[static_cast<size_t>(i)], bounds[static_cast<size_t>(i) + 1]};
}

}  // namespace

Range RowCut::units(int rank) const {
  const Range slices = at(rank_bounds, rank);
  return {slice_bounds[static_cast<size_t>(slices.begin)], slice_bounds[static_cast<size_t>(slices.end)]};
}

std::vector<int64_t> RowCut::local_bounds(int rank, int64_t elements_per_unit) const {
  const Range slices = at(rank_bounds, rank);
  const int64_t first = units(rank).begin;
  std::vector<int64_t> bounds;
  for (int64_t slice = slices.begin; slice <= slices.end; ++slice) {
    bounds.push_back((slice_bounds[static_cast<size_t>(slice)] - first) * elements_per_unit);
  }
  return bounds;
}

Range TensorCut::kv_heads(int rank, const ModelSpec& model) const {
  const int64_t group = model.num_heads / model.num_kv_heads;
  const Range q = heads.units(rank);
  return {q.begin / group, (q.end - 1) / group + 1};
}

Range TensorCut::vocab(int rank) const { return at(vocab_bounds, rank); }

Status check_plan(const ModelSpec& model, const Plan& plan) {
  if (plan.tp < 1 || plan.pp < 1) return fail("tp {} and pp {} must be at least 1", plan.tp, plan.pp);
  const int most_tp = std::min(slices_for(model.num_heads), slices_for(model.intermediate_size / 2));
  if (plan.tp > most_tp) {
    return fail("tp {} is too large: this model's {} attention heads can be cut over at most {} ranks", plan.tp,
                model.num_heads, most_tp);
  }
  if (plan.pp > model.num_layers()) {
    return fail("pp {} is too large: the model has {} layers", plan.pp, model.num_layers());
  }
  if (!plan.tp_weights.empty()) {
    if (plan.tp_weights.size() != static_cast<size_t>(plan.tp)) {
      return fail("--tp-weights gives {} weights for tp {}", plan.tp_weights.size(), plan.tp);
    }
    for (const double weight : plan.tp_weights) {
      if (!(weight > 0 && weight <= 1e6)) return fail("--tp-weights: {} is not between 0 and 1e6", weight);
    }
  }
  if (!plan.pp_layers.empty()) {
    if (plan.pp_layers.size() != static_cast<size_t>(plan.pp)) {
      return fail("--pp-layers gives {} stages for pp {}", plan.pp_layers.size(), plan.pp);
    }
    int64_t given = 0;
    for (const int64_t layers : plan.pp_layers) {
      if (layers < 1 || layers > model.num_layers()) {
        return fail("--pp-layers: a stage of {} layers is not possible, the model has {}", layers, model.num_layers());
      }
      given += layers;
    }
    if (given != model.num_layers())
      return fail("--pp-layers sums to {}, the model has {} layers", given, model.num_layers());
  }
  return Ok{};
}

TensorCut cut_tensors(const ModelSpec& model, const Plan& plan) {
  const int64_t unit = slice_unit(model.intermediate_size);
  return {.heads = cut_rows(model.num_heads, 1, plan),
          .intermediate = cut_rows(model.intermediate_size / unit, unit, plan),
          .vocab_bounds = weighted_bounds(model.vocab_size, tp_weights(plan))};
}

Range stage_layers(const ModelSpec& model, const Plan& plan, int stage) {
  if (plan.pp_layers.empty()) return at(even_bounds(model.num_layers(), plan.pp), stage);
  const auto first = plan.pp_layers.begin();
  const int64_t begin = std::accumulate(first, first + stage, int64_t{0});
  return {begin, begin + plan.pp_layers[static_cast<size_t>(stage)]};
}

}  // namespace kerf
