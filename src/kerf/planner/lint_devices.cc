// Which devices a command uses, and in which order.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "kerf/planner/lint_links.h"
#include "kerf/planner/lint_rules.h"
#include "kerf/planner/placement.h"

namespace kerf {

namespace {

constexpr double kWorthSaying = 10;
// Idle devices may be meant for something else: the gain has to be plain.
constexpr double kIdleWorthSaying = 25;

// The device's number as CUDA_VISIBLE_DEVICES counts: as the command sees it, translated back.
std::string device_list(const AdviceSubject& subject, const std::vector<int>& devices) {
  const bool chosen = subject.command != nullptr && subject.command->visible_devices;
  std::string list;
  for (const int device : devices) {
    const int number = chosen ? (*subject.command->visible_devices)[static_cast<size_t>(device)] : device;
    list += (list.empty() ? "" : ",") + std::to_string(number);
  }
  return list;
}

// Engines put ranks on devices in the order of their numbers; the fast links may join others.
void check_order(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const Plan& plan = subject.plan;
  if (subject.command == nullptr || subject.engine.name == "kerf" || plan.tp == 1) return;
  if (subject.machine.num_nodes() > 1) return;
  const WorstLink own = worst_tp_link(subject.machine, plan);
  if (own.fast) return;
  Placer placer(subject.machine);
  const std::vector<int> order = placer.place(plan);
  if (order.empty()) return;
  const MachineSpec reordered = sub_machine(subject.machine, order);
  const WorstLink other = worst_tp_link(reordered, plan);
  if (!other.fast) return;
  // One group of the plan by itself, on the slow and on the fast devices.
  AdviceSubject group = subject;
  group.plan = {.tp = plan.tp};
  group.load.workload.concurrency = std::max(1.0, subject.load.workload.concurrency / (plan.dp * plan.pp));
  const auto speed = [&](const MachineSpec& machine, const std::vector<int>& devices) {
    const CostModel model(subject.model, roomy(sub_machine(machine, devices)), subject.engine, group.load.workload);
    return model.predict(group.plan).tpot_ms;
  };
  std::vector<int> first(static_cast<size_t>(plan.tp));
  for (int rank = 0; rank < plan.tp; ++rank) first[static_cast<size_t>(rank)] = rank;
  std::vector<int> slow;
  for (const std::vector<int>& devices : tp_groups_in_order(plan)) {
    if (!worst_link(subject.machine, devices).fast) slow = devices;
  }
  const double loss = 100 * (1 - speed(reordered, first) / std::max(1e-9, speed(subject.machine, slow)));
  if (loss < kWorthSaying) return;
  Advice advice{.id = "devices-far-apart", .severity = Severity::kWarning, .predicted_loss = loss};
  advice.message = fmt::format(
      "The tp group takes {} and {}, which {} joins ({:.3g} GB/s); CUDA_VISIBLE_DEVICES={} puts each group on fast "
      "links.",
      subject.machine.devices[static_cast<size_t>(own.a)].name,
      subject.machine.devices[static_cast<size_t>(own.b)].name, own.kind, own.gb_per_s, device_list(subject, order));
  advice.changes.push_back({Setting::kVisibleDevices, device_list(subject, order)});
  findings.push_back(std::move(advice));
}

// vLLM, SGLang and TensorRT-LLM cut evenly: the slowest and the smallest device decide for all.
void check_equal(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const MachineSpec& machine = subject.machine;
  const int used = devices_of(subject.plan);
  if (subject.command == nullptr || subject.engine.name == "kerf" || subject.plan.ranks() == 1) return;
  if (machine.num_nodes() > 1) return;
  std::map<int, std::vector<int>> of_kind;
  for (int device = 0; device < used; ++device)
    of_kind[machine.devices[static_cast<size_t>(device)].kind].push_back(device);
  if (of_kind.size() < 2) return;
  const auto kind = [&](int device) -> const DeviceKind& {
    return machine.device_kinds[static_cast<size_t>(machine.devices[static_cast<size_t>(device)].kind)];
  };
  double speed = 0;
  double memory = 0;
  double slowest = std::numeric_limits<double>::infinity();
  double smallest = std::numeric_limits<double>::infinity();
  for (int device = 0; device < used; ++device) {
    speed += kind(device).memory_gb_per_s / used;
    memory += kind(device).memory_bytes / used;
    slowest = std::min(slowest, kind(device).memory_gb_per_s);
    smallest = std::min(smallest, kind(device).memory_bytes);
  }
  const double loss = 100 * std::max(1 - slowest / speed, 1 - smallest / memory);
  if (loss < kWorthSaying) return;
  Advice advice{.id = "unequal-devices", .severity = Severity::kWarning, .predicted_loss = loss};
  std::string list;
  for (const auto& [index, devices] : of_kind) {
    const DeviceKind& one = machine.device_kinds[static_cast<size_t>(index)];
    list += fmt::format("{}{} {} ({:.0f} GB, {:.0f} GB/s)", list.empty() ? "" : " and ", devices.size(), one.name,
                        one.memory_bytes / 1e9, one.memory_gb_per_s);
  }
  advice.message = fmt::format("{} are cut alike: every one holds and does as much as the weakest can.", list);
  // The kind whose devices do most by themselves.
  double most = 0;
  for (const auto& [index, devices] : of_kind) {
    AdviceSubject alone = subject;
    alone.machine = sub_machine(machine, devices);
    alone.plan = {};
    const Judgement judged(alone);
    const auto plan = judged.repair(static_cast<int>(devices.size()));
    if (!plan) continue;
    const double tokens_per_s = judged.predict(*plan, judged.loads().size() - 1).tokens_per_s;
    if (tokens_per_s <= most) continue;
    most = tokens_per_s;
    advice.better = plan;
    advice.changes = {{Setting::kVisibleDevices, device_list(subject, devices)}};
  }
  findings.push_back(std::move(advice));
}

void check_idle(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const EngineCommand* command = subject.command;
  const int used = devices_of(subject.plan);
  const int present = subject.machine.num_devices();
  if (used >= present || command == nullptr || command->visible_devices || command->visible_count > 0) return;
  // Who states no load may well keep the rest for something else; and trtllm-serve has no replicas.
  if (!subject.load.objective || subject.load.workload.objective == Objective::kCost) return;
  const auto better = judgement.best(present);
  if (!better || better->loss_percent < kIdleWorthSaying) return;
  Advice advice{.id = "idle-devices", .severity = Severity::kWarning, .predicted_loss = better->loss_percent};
  advice.message =
      fmt::format("{} of {} devices idle; {} uses them all and is predicted to do {:.1f} times as much.",
                  present - used, present, describe(better->plan), 1 / std::max(0.01, 1 - better->loss_percent / 100));
  advice.better = better->plan;
  findings.push_back(std::move(advice));
}

}  // namespace

void check_devices(const Judgement& judgement, Findings& findings) {
  check_order(judgement, findings);
  check_equal(judgement, findings);
  check_idle(judgement, findings);
}

}  // namespace kerf
