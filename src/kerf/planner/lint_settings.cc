// What settings beside the plan cost.
#include <fmt/format.h>

#include <algorithm>

#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

constexpr double kWorthSaying = 10;

// Without CUDA graphs every kernel of a decode step is launched from Python: about ten kernels a layer at 5 µs each
// hide behind nothing, and a collective takes 45 µs in place of 6 (FIELD.md 2, A100, TP 4, 16 KB).
constexpr double kEagerLayerUs = 50;
constexpr double kEagerCollectiveUs = 39;

EngineSpec eager(EngineSpec engine) {
  engine.layer_overhead_us += kEagerLayerUs;
  engine.eager_collective_us += kEagerCollectiveUs;
  return engine;
}

void check_eager(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  if (subject.command == nullptr || !subject.command->enforce_eager) return;
  double loss = 0;
  size_t worst = 0;
  for (size_t load = 0; load < judgement.loads().size(); ++load) {
    const CostModel slow(subject.model, subject.machine, eager(subject.engine), judgement.loads()[load]);
    const double lost = judgement.loss_percent(slow.predict(subject.plan), judgement.own()[load], load);
    if (lost > loss) worst = load;
    loss = std::max(loss, lost);
  }
  if (loss < kWorthSaying) return;
  const bool sglang = subject.engine.name == "sglang";
  Advice advice{.id = "eager-mode", .severity = Severity::kWarning, .predicted_loss = loss};
  advice.message =
      fmt::format("{} launches every kernel by itself: {:.0f} % is lost, with {}.",
                  sglang ? "--disable-cuda-graph" : "--enforce-eager", loss, describe(judgement.loads()[worst]));
  advice.changes.push_back({Setting::kEnforceEager, ""});
  findings.push_back(std::move(advice));
}

// vLLM takes the share of the whole device and finds less than all of it free; SGLang's share leaves activations out.
void check_utilization(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  if (subject.command == nullptr || subject.command->memory_utilization <= 0) return;
  const double share = subject.command->memory_utilization;
  const std::string& engine = subject.engine.name;
  const double most = engine == "vllm" ? 0.98 : engine == "sglang" ? 0.95 : 1.0;
  if (share <= most) return;
  Advice advice{.id = "memory-utilization-too-high", .severity = Severity::kWarning, .predicted_loss = 100};
  advice.message = fmt::format(
      "{:g} of the device's memory leaves nothing for the driver, CUDA graphs and fragments: {} runs out of memory at "
      "start or under load.",
      share, engine);
  advice.changes.push_back({Setting::kMemoryUtilization, engine == "sglang" ? "0.9" : "0.95"});
  findings.push_back(std::move(advice));
}

// A small share that the stated load pays for.
void check_small_utilization(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  constexpr double kUsual = 0.9;
  if (subject.command == nullptr || !subject.load.concurrency || subject.command->memory_utilization <= 0) return;
  if (subject.command->memory_utilization >= 0.8 * kUsual) return;
  EngineSpec usual = subject.engine;
  usual.memory_utilization = kUsual;
  const CostModel model(subject.model, subject.machine, usual, judgement.loads().front());
  const double loss = judgement.loss_percent(judgement.own().front(), model.predict(subject.plan));
  if (loss < kWorthSaying) return;
  Advice advice{.id = "memory-utilization-too-low", .severity = Severity::kWarning, .predicted_loss = loss};
  advice.message =
      fmt::format("{:g} of the device's memory leaves KV cache for {:.0f} of the {:.0f} asked requests; {:g} is usual.",
                  subject.command->memory_utilization, judgement.own().front().running * subject.plan.dp,
                  judgement.loads().front().concurrency, kUsual);
  advice.changes.push_back({Setting::kMemoryUtilization, fmt::format("{:g}", kUsual)});
  findings.push_back(std::move(advice));
}

}  // namespace

void check_settings(const Judgement& judgement, Findings& findings) {
  check_eager(judgement, findings);
  check_utilization(judgement, findings);
  check_small_utilization(judgement, findings);
}

}  // namespace kerf
