#include "kerf/planner/lint.h"

#include <algorithm>

#include "kerf/io/model_shape.h"
#include "kerf/planner/engine_catalog.h"
#include "kerf/planner/judgement.h"
#include "kerf/planner/lint_links.h"

namespace kerf {

namespace {

// The model by the name that the command uses; where that is a path on another machine, by its last part.
Result<ModelShape> find_model_shape(const EngineCommand& command, const std::string& given) {
  if (!given.empty()) return load_model_shape(given);
  auto model = load_model_shape(command.model);
  if (model.ok()) return model;
  std::string name = command.model;
  while (!name.empty() && name.back() == '/') name.pop_back();
  const size_t slash = name.rfind('/');
  if (slash != std::string::npos) {
    if (auto by_name = load_model_shape(name.substr(slash + 1)); by_name.ok()) return by_name;
  }
  return fail("{}; or say with --model which known model it is like", model.error().message);
}

// What --max-model-len is when it is not stated. The catalogue's Qwen2.5 are the base models, with four times the
// positions that the config.json of the instruction-tuned ones states (from 7B on; huggingface.co/Qwen).
int64_t default_length(const EngineCommand& command, const ModelShape& model) {
  constexpr int64_t kInstruct = 32768;
  const bool tuned =
      command.model.find("Qwen2.5") != std::string::npos && command.model.find("Instruct") != std::string::npos;
  return tuned ? std::min(kInstruct, model.max_positions) : model.max_positions;
}

// The formats that the command asks for. False when kerf does not know the method, and so not the weights' size.
bool apply_formats(const EngineCommand& command, ModelShape& model) {
  const bool plain = model.mlp_format.bits >= 16 && model.expert_format.bits >= 16;
  if (command.dtype == "float32" || command.dtype == "float") {
    if (plain && !apply_quantization(model, "f32").ok()) return false;
  }
  bool known = true;
  if (!command.quantization.empty() && plain) known = apply_quantization(model, command.quantization).ok();
  const std::string& kv = command.kv_cache_dtype;
  if (kv.starts_with("fp8") || kv.starts_with("int8")) model.kv_bits = 8;
  return known;
}

EngineSpec apply_limits(const EngineCommand& command, EngineSpec engine) {
  if (command.max_num_seqs > 0) engine.max_num_seqs = command.max_num_seqs;
  if (command.max_num_batched_tokens > 0) engine.max_num_batched_tokens = command.max_num_batched_tokens;
  if (command.memory_utilization > 0) engine.memory_utilization = command.memory_utilization;
  // Since 0.20 it deals layers out unevenly (TensorRT-LLM#4399).
  if (command.engine == "trtllm") engine.uneven_pp = true;
  if (command.chunked_prefill) engine.chunked_prefill = *command.chunked_prefill;
  return engine;
}

// Every node shows the same numbers of its own devices.
MachineSpec visible_part(const EngineCommand& command, const MachineSpec& machine) {
  if (!command.visible_devices && command.visible_count == 0) return machine;
  std::vector<int> devices;
  for (int node = 0; node < machine.num_nodes(); ++node) {
    std::vector<int> own;
    for (int device = 0; device < machine.num_devices(); ++device) {
      if (machine.devices[static_cast<size_t>(device)].node == node) own.push_back(device);
    }
    if (command.visible_devices) {
      for (const int number : *command.visible_devices) {
        if (number < std::ssize(own)) devices.push_back(own[static_cast<size_t>(number)]);
      }
    } else {
      const auto count = std::min<std::ptrdiff_t>(command.visible_count, std::ssize(own));
      devices.insert(devices.end(), own.begin(), own.begin() + count);
    }
  }
  return sub_machine(machine, devices);
}

// Later changes of a setting replace earlier ones.
void merge(std::vector<Change>& changes, const std::vector<Change>& more) {
  for (const Change& change : more) {
    std::erase_if(changes, [&](const Change& old) { return old.setting == change.setting; });
    changes.push_back(change);
  }
}

std::vector<Change> all_changes(const EngineCommand& command, const Advice& advice) {
  std::vector<Change> changes;
  if (advice.better) changes = plan_changes(command, *advice.better);
  merge(changes, advice.changes);
  return changes;
}

}  // namespace

bool LintReport::has_errors() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.advice.severity == Severity::kError; });
}

Result<std::unique_ptr<LintReport>> lint(std::span<const std::string> arguments, const MachineSpec& machine,
                                         const StatedLoad& load, const std::string& model) {
  auto report = std::make_unique<LintReport>();
  KERF_TRY(report->command, parse_engine_command(arguments));
  EngineCommand& command = report->command;
  if (command.model.empty() && model.empty()) {
    return fail("the command takes its model from a file: say with --model which one it is");
  }
  AdviceSubject& subject = report->subject;
  KERF_TRY(subject.model, find_model_shape(command, model));
  if (!apply_formats(command, subject.model)) command.offloads = true;
  KERF_TRY(const EngineSpec engine, find_engine(command.engine));
  subject.engine = apply_limits(command, engine);
  subject.machine = visible_part(command, machine);
  subject.load = load;
  subject.plan = command.plan;
  // vLLM's replicas of a mixture of experts share the experts, with or without --enable-expert-parallel.
  if (command.engine == "vllm" && subject.model.is_moe() && command.plan.dp > 1) {
    subject.plan.ep = devices_of({.tp = command.plan.tp, .dp = command.plan.dp});
  }
  subject.command = &command;
  subject.max_model_len = command.max_model_len > 0 ? command.max_model_len : default_length(command, subject.model);

  report->loads = judged_loads(subject);
  std::vector<Change> errors;
  std::vector<Advice> advice = advise(subject);
  for (const Advice& one : advice) {
    if (one.severity != Severity::kError) continue;
    merge(errors, all_changes(command, one));
  }
  for (Advice& one : advice) {
    // A fix that does not start fixes nothing: what must change is changed in each.
    std::vector<Change> changes = errors;
    const std::vector<Change> own = all_changes(command, one);
    merge(changes, own);
    std::string fix = own.empty() ? "" : changed_command(command, changes);
    report->findings.push_back({.advice = std::move(one), .fix = std::move(fix)});
  }
  return report;
}

}  // namespace kerf
