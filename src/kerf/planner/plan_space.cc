#include "kerf/planner/plan_space.h"

#include <fmt/format.h>

#include <algorithm>

#include "kerf/planner/memory.h"

namespace kerf {

std::string to_string(const Cut& cut) {
  std::string text;
  const auto axis = [&](const char* name, int size) {
    if (size > 1) text += fmt::format("{}{} {}", text.empty() ? "" : " × ", name, size);
  };
  axis("tp", cut.tp);
  axis("pp", cut.pp);
  axis("dp", cut.dp);
  if (text.empty()) text = "one device";
  if (cut.ep > 1) text += fmt::format(", ep {}", cut.ep);
  if (cut.sp) text += ", sp";
  if (cut.microbatches > 0) text += fmt::format(", {} microbatches", cut.microbatches);
  return text;
}

EngineRules engine_rules(const EngineSpec& engine) {
  // vLLM: --enable-expert-parallel makes ep = tp · dp, and SP is a pass of its compiler. SGLang: --ep-size divides
  // --tp-size, which with --enable-dp-attention counts all replicas. TensorRT-LLM: --ep_size divides --tp_size, and
  // --enable_attention_dp leaves no tensor parallelism in attention.
  const auto is = [&](std::string_view family) { return engine.name.starts_with(family); };  // "trtllm-0.20"
  if (is("vllm")) return {.sp = true, .max_tp_of_shared_experts = kMaxPlanDevices};
  if (is("sglang")) return {.microbatches = true, .ep_partial = true, .max_tp_of_shared_experts = kMaxPlanDevices};
  if (is("trtllm")) return {.ep_partial = true, .max_tp_of_shared_experts = 1};
  if (is("kerf")) return {.sp = true};
  return {.microbatches = true};
}

std::vector<int> ep_choices(const ModelShape& model, const EngineRules& rules, int tp, int dp) {
  std::vector<int> choices = {1};
  const int ranks = tp * dp;
  if (!model.is_moe() || (dp > 1 && tp > rules.max_tp_of_shared_experts)) return choices;
  for (int ep = 2; ep < ranks && rules.ep_partial; ++ep) {
    if (ranks % ep == 0) choices.push_back(ep);
  }
  if (ranks > 1) choices.push_back(ranks);
  return choices;
}

std::vector<int> microbatch_choices(const EngineRules& rules, int pp) {
  std::vector<int> choices;
  if (!rules.microbatches || pp == 1) return choices;
  for (int microbatches = 1; microbatches < pp; microbatches *= 2) choices.push_back(microbatches);
  choices.push_back(2 * pp);
  return choices;
}

std::vector<int64_t> PlanBuilder::fitted_layers(const Cut& cut) {
  if (!placer_.uniform()) {
    return proportional_layer_counts(model_.num_layers(),
                                     placer_.stage_speeds({.tp = cut.tp, .pp = cut.pp, .dp = cut.dp}));
  }
  const auto [at, is_new] = balanced_.try_emplace(cut.pp);
  if (is_new) at->second = balanced_layer_counts(model_, cut.pp);
  return at->second;
}

bool PlanBuilder::has_fitted_layers(const Cut& cut) {
  if (cut.pp == 1 || cut.pp > model_.num_layers() || !engine_.uneven_pp) return false;
  return fitted_layers(cut) != stage_layer_counts(model_, {.pp = cut.pp});
}

Plan PlanBuilder::plan(const Cut& cut) {
  Plan plan{.tp = cut.tp, .pp = cut.pp, .dp = cut.dp, .ep = cut.ep, .sp = cut.sp, .microbatches = cut.microbatches};
  if (cut.fitted_layers) plan.pp_layers = fitted_layers(cut);
  if (engine_.any_tp && cut.tp > 1 && !placer_.uniform()) plan.tp_weights = placer_.rank_speeds(plan);
  return plan;
}

}  // namespace kerf
