// Which cuts leave whole shards.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "kerf/planner/memory.h"
#include "kerf/spec/reduction.h"

namespace kerf {

bool keeps_groups_whole(int64_t k, int64_t group, int tp) {
  if (tp <= 1 || group <= 0) return true;
  return k % tp == 0 && (k / tp) % group == 0;
}

namespace {

constexpr int kMostTp = 1024;  // far above any group of ranks

// A dimension of a quantised matrix that TP cuts, and what a shard of it must be a multiple of.
struct Cut {
  const char* what;  // "the MLP's intermediate_size"
  int64_t size = 0;
  int64_t unit = 0;
  const StorageFormat* format = nullptr;
  bool experts = false;
};

void add_cut(std::vector<Cut>& cuts, const char* what, int64_t size, const StorageFormat& format, bool experts) {
  if (size <= 0 || format.padded || format.bits >= 16) return;
  // Row-parallel inputs come in groups or blocks, column-parallel outputs in blocks or packed words; both linears of an
  // MLP share the dimension, so one number has to be a multiple of all of them.
  const int64_t unit = std::max({format.group, format.block, format.pack, int64_t{1}});
  cuts.push_back({.what = what, .size = size, .unit = unit, .format = &format, .experts = experts});
}

std::vector<Cut> quantised_cuts(const ModelShape& model) {
  std::vector<Cut> cuts;
  for (const LayerShape& kind : model.kinds) {
    const AttentionShape& a = kind.attention;
    if (model.attention_format.block > 0) {
      add_cut(cuts, "heads * head_dim of the query projection", a.heads * a.head_dim, model.attention_format, false);
    }
    add_cut(cuts, "heads * v_head_dim of the output projection", a.heads * a.v_head_dim, model.attention_format, false);
    add_cut(cuts, "the MLP's intermediate_size", kind.mlp.intermediate, model.mlp_format, false);
    add_cut(cuts, "the experts' intermediate size", kind.mlp.expert_intermediate, model.expert_format, true);
  }
  return cuts;
}

bool whole(const Cut& cut, int tp) { return keeps_groups_whole(cut.size, cut.unit, tp); }

std::string grouping(const Cut& cut) {
  const StorageFormat& f = *cut.format;
  if (f.block > 0) return fmt::format("{} blocks of {} x {}", f.name, f.block, f.block);
  if (f.group > 0) return fmt::format("{} groups of {}", f.name, f.group);
  return fmt::format("{} words of {} weights", f.name, f.pack);
}

int64_t most_slices(const ModelShape& model) {
  int64_t slices = kMaxSlices;
  for (const LayerShape& kind : model.kinds) {
    if (kind.attention.heads > 0) slices = std::min(slices, kind.attention.heads);
    if (kind.mlp.intermediate > 0) slices = std::min(slices, kind.mlp.intermediate / 2);
  }
  return std::max<int64_t>(1, slices);
}

// What an engine's TP doesn't cut evenly.
struct Uneven {
  const char* what = nullptr;  // nullptr = nothing
  int64_t units = 0;
};

// Query heads and inner dimensions are cut evenly, key-value heads evenly or replicated evenly.
Uneven uneven_field(const ModelShape& model, const EngineSpec& engine, int tp) {
  if (engine.any_tp) {
    const int64_t most = most_slices(model);
    return tp > most ? Uneven{"slices are as many as this model is cut into", most} : Uneven{};
  }
  for (const LayerShape& kind : model.kinds) {
    const AttentionShape& a = kind.attention;
    if (a.heads % tp != 0) return {"attention heads do not divide by it", a.heads};
    if (a.kind == AttentionKind::kGrouped && a.kv_heads > 0 && a.kv_heads % tp != 0 && tp % a.kv_heads != 0) {
      return {"key-value heads neither divide by it nor it by them", a.kv_heads};
    }
    if (kind.mlp.intermediate % tp != 0) return {"columns of the MLP do not divide by it", kind.mlp.intermediate};
  }
  return {};
}

// Everything about TP alone. Experts are judged with the plan, which may not cut them.
bool tp_works(const ModelShape& model, const EngineSpec& engine, const std::vector<Cut>& cuts, int tp) {
  if (uneven_field(model, engine, tp).what != nullptr) return false;
  return std::ranges::all_of(cuts, [tp](const Cut& cut) { return cut.experts || whole(cut, tp); });
}

std::string largest_tp(const ModelShape& model, const EngineSpec& engine, const std::vector<Cut>& cuts, int below) {
  for (int tp = std::min(below, kMostTp); tp >= 1; --tp) {
    if (tp_works(model, engine, cuts, tp)) return fmt::format("the largest TP below it that works is {}", tp);
  }
  return "no TP works";
}

Status check_groups(const ModelShape& model, const EngineSpec& engine, const std::vector<Cut>& cuts, const Plan& plan) {
  for (const Cut& cut : cuts) {
    const int tp = cut.experts ? expert_tp(plan) : plan.tp;
    if (whole(cut, tp)) continue;
    if (cut.experts) {
      const int ranks = plan.tp * (plan.ep > 1 ? plan.dp : 1);
      int works = tp - 1;
      while (ranks % works != 0 || !whole(cut, works)) --works;
      return fail(
          "tp {} with ep {} cuts {} = {} over {} ranks, which splits {}; at most {} may share an expert, so use ep {} "
          "or "
          "more",
          plan.tp, plan.ep, cut.what, cut.size, tp, grouping(cut), works, ranks / works);
    }
    return fail("tp {} cuts {} = {} into shards of {:g}, which splits {}; {}", tp, cut.what, cut.size,
                static_cast<double>(cut.size) / tp, grouping(cut), largest_tp(model, engine, cuts, tp - 1));
  }
  return Ok{};
}

Status check_experts(const ModelShape& model, const Plan& plan) {
  if (plan.ep == 1) return Ok{};
  int64_t experts = 0;
  for (const LayerShape& kind : model.kinds) experts = std::max(experts, kind.mlp.experts);
  if (experts == 0) return fail("ep {}: {} has no experts to spread; use ep 1", plan.ep, model.name);
  if (plan.ep > experts) return fail("ep {} is more than the {} experts of a layer", plan.ep, experts);
  return Ok{};
}

}  // namespace

std::vector<int> whole_tps(const ModelShape& model, int max) {
  const std::vector<Cut> cuts = quantised_cuts(model);
  std::vector<int> tps;
  for (int tp = 1; tp <= max; ++tp) {
    if (std::ranges::all_of(cuts, [tp](const Cut& cut) { return whole(cut, tp); })) tps.push_back(tp);
  }
  return tps;
}

Status check_divisibility(const ModelShape& model, const EngineSpec& engine, const Plan& plan) {
  KERF_TRY_STATUS(check_layout(model, plan));
  KERF_TRY_STATUS(check_experts(model, plan));
  if (!engine.uneven_pp && model.num_layers() % plan.pp != 0) {
    return fail("pp {} does not divide the {} layers, as {} demands", plan.pp, model.num_layers(), engine.name);
  }
  const std::vector<Cut> cuts = quantised_cuts(model);
  const Uneven uneven = uneven_field(model, engine, plan.tp);
  if (uneven.what != nullptr) {
    return fail("tp {}: {} {}, as {} demands; {}", plan.tp, uneven.units, uneven.what, engine.name,
                largest_tp(model, engine, cuts, plan.tp - 1));
  }
  return check_groups(model, engine, cuts, plan);
}

}  // namespace kerf
