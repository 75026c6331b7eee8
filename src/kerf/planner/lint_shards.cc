// Whole shards, and devices to put them on.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

Advice error(std::string id, std::string message) {
  return {.id = std::move(id), .severity = Severity::kError, .message = std::move(message), .predicted_loss = 100};
}

// Which rule check_divisibility() found broken; in its order.
std::string broken_rule(const AdviceSubject& subject) {
  const ModelShape& model = subject.model;
  const Plan& plan = subject.plan;
  if (plan.pp > model.num_layers()) return "layers-fewer-than-stages";
  if (!plan.pp_layers.empty()) {
    const int64_t sum = std::accumulate(plan.pp_layers.begin(), plan.pp_layers.end(), int64_t{0});
    if (sum != model.num_layers() || std::ssize(plan.pp_layers) != plan.pp) return "pp-layers-do-not-add-up";
  }
  if (!subject.engine.uneven_pp && model.num_layers() % plan.pp != 0) return "layers-not-divisible";
  if (plan.ep > 1 && !model.is_moe()) return "expert-parallel-on-dense-model";
  for (const LayerShape& kind : model.kinds) {
    if (plan.ep > 1 && kind.mlp.experts > 0 && kind.mlp.experts < plan.ep) return "experts-not-divisible";
  }
  if (int64_t{plan.tp} * plan.dp % plan.ep != 0) return "expert-parallel-size";
  for (const LayerShape& kind : model.kinds) {
    const AttentionShape& a = kind.attention;
    if (a.heads > 0 && a.heads % plan.tp != 0) return "heads-not-divisible";
    if (a.kind == AttentionKind::kGrouped && a.kv_heads > 0 && a.kv_heads % plan.tp != 0 && plan.tp % a.kv_heads != 0) {
      return "kv-heads-not-divisible";
    }
    if (kind.mlp.intermediate % plan.tp != 0) return "mlp-not-divisible";
  }
  return "quantization-group-straddles";
}

std::string with_full_stop(std::string sentence) { return sentence + "."; }

// SGLang and TensorRT-LLM want the experts of a layer to divide; vLLM deals out what is left over.
void check_experts(const AdviceSubject& subject, Findings& findings) {
  if (subject.engine.name == "vllm" || subject.plan.ep <= 1) return;
  for (const LayerShape& kind : subject.model.kinds) {
    if (kind.mlp.experts == 0 || kind.mlp.experts % subject.plan.ep == 0) continue;
    findings.push_back(
        error("experts-not-divisible", fmt::format("ep {}: {} experts do not divide by it, as {} demands.",
                                                   subject.plan.ep, kind.mlp.experts, subject.engine.name)));
    return;
  }
}

void check_enough_devices(const AdviceSubject& subject, Findings& findings) {
  const int asked = devices_of(subject.plan);
  const int present = subject.machine.num_devices();
  if (asked <= present) return;
  findings.push_back(
      error("more-devices-than-exist", fmt::format("{} needs {} devices and {} {}.", describe(subject.plan), asked,
                                                   present, present == 1 ? "is there" : "are there")));
}

}  // namespace

void check_shards(const AdviceSubject& subject, Findings& findings) {
  check_enough_devices(subject, findings);
  const Status whole = check_divisibility(subject.model, subject.engine, subject.plan);
  if (!whole.ok()) findings.push_back(error(broken_rule(subject), with_full_stop(whole.error().message)));
  if (whole.ok()) check_experts(subject, findings);
}

}  // namespace kerf
