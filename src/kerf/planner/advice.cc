#include "kerf/planner/advice.h"

#include <algorithm>

#include "kerf/planner/judgement.h"
#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

bool has(const Findings& findings, std::string_view id) {
  return std::any_of(findings.begin(), findings.end(), [&](const Advice& advice) { return advice.id == id; });
}

// A plan that works in place of one that does not.
void repair(const AdviceSubject& subject, Findings& findings) {
  AdviceSubject sound = subject;
  sound.plan = {};
  const Judgement judgement(sound);
  const int devices = devices_of(subject.plan);
  for (Advice& advice : findings) {
    if (!advice.better && advice.changes.empty()) judgement.repair(advice, devices);
  }
}

void sort(Findings& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Advice& a, const Advice& b) {
    return a.severity != b.severity ? a.severity > b.severity : a.predicted_loss > b.predicted_loss;
  });
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kNote: return "note";
    case Severity::kWarning: return "warning";
    case Severity::kError: return "error";
  }
  return "";
}

std::vector<Advice> advise(const AdviceSubject& subject) {
  Findings findings;
  check_command(subject, findings);
  if (has(findings, "invalid-value")) return findings;
  const size_t before = findings.size();
  check_shards(subject, findings);
  if (findings.size() > before) {
    repair(subject, findings);
    sort(findings);
    return findings;
  }
  // With attention DP or context parallelism the plan stands for something that the cost model knows only roughly.
  const EngineCommand* command = subject.command;
  const bool rough = command != nullptr && (command->dp_attention || command->context_parallel > 1);
  const bool chooses_itself = command != nullptr && command->engine == "kerf" && !command->states_plan;
  if (rough || chooses_itself || subject.machine.devices.empty()) return findings;

  const Judgement judgement(subject);
  if (command == nullptr) {  // the search has compared it with everything else
    if (judgement.fits()) check_winner(judgement, findings);
    return findings;
  }
  check_memory(judgement, findings);
  if (judgement.fits()) check_stages(judgement, findings);
  // Where requests wait for memory, that is the reason for whatever is slow.
  if (judgement.fits() && !has(findings, "kv-too-small-for-load")) check_cut(judgement, findings);
  if (judgement.fits()) check_devices(judgement, findings);
  check_settings(judgement, findings);
  sort(findings);
  return findings;
}

std::vector<Advice> advise(const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine,
                           const Workload& workload, const Plan& plan) {
  return advise({.model = model,
                 .machine = machine,
                 .engine = engine,
                 .load = {.workload = workload, .objective = true, .concurrency = true, .lengths = true},
                 .plan = plan});
}

}  // namespace kerf
