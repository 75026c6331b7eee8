// Weights, KV cache and context length.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kerf/io/model_shape.h"
#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

double gb(double bytes) { return bytes / 1e9; }

// The stage that is short of memory, or has least room for KV.
const RankMemory& tightest(const PlanMemory& memory) {
  return *std::min_element(memory.stages.begin(), memory.stages.end(), [](const auto& a, const auto& b) {
    return a.available_bytes - a.weight_bytes < b.available_bytes - b.weight_bytes;
  });
}

// fp8 weights, made when the model is loaded, where the devices compute in fp8: from Ada on.
void quantise(const AdviceSubject& subject, Advice& advice) {
  const bool online = subject.engine.name == "vllm" || subject.engine.name == "sglang";
  const bool plain = subject.model.mlp_format.bits >= 16 && subject.model.expert_format.bits >= 16;
  const bool fp8 = std::ranges::all_of(subject.machine.device_kinds, [](const DeviceKind& kind) {
    return kind.compute_capability >= 89 || (kind.compute_capability == 0 && kind.fp8_tflops > 0);
  });
  AdviceSubject smaller = subject;
  smaller.plan = {};
  if (!online || !plain || !fp8 || !apply_quantization(smaller.model, "fp8").ok()) return;
  Judgement(smaller).repair(advice, devices_of(subject.plan));
  if (advice.better) advice.changes.insert(advice.changes.begin(), {Setting::kQuantization, "fp8"});
}

bool check_weights(const Judgement& judgement, Findings& findings) {
  const Prediction& own = judgement.own().front();
  const AdviceSubject& subject = judgement.subject();
  if (own.memory.stages.empty() || own.memory.fits) return true;
  const RankMemory& stage = tightest(own.memory);
  const double room = stage.available_bytes - stage.weight_bytes - stage.activation_bytes - stage.buffer_bytes;
  Advice advice{.severity = Severity::kError, .predicted_loss = 100};
  judgement.repair(advice, devices_of(subject.plan));
  if (room < 0) {
    advice.id = "weights-do-not-fit";
    advice.message = fmt::format(
        "{:.1f} GB of weights a device, {:.1f} GB of activations and buffers, do not fit the {:.1f} GB that {} takes.",
        gb(stage.weight_bytes), gb(stage.activation_bytes + stage.buffer_bytes), gb(stage.available_bytes),
        subject.engine.name);
  } else {
    advice.id = "no-room-for-kv";
    advice.message = fmt::format(
        "The weights fit ({:.1f} of {:.1f} GB a device), but what is left holds {:.0f} tokens of KV cache: less than "
        "one "
        "request of {:.0f} tokens.",
        gb(stage.weight_bytes), gb(stage.available_bytes), own.memory.kv_tokens,
        subject.load.workload.isl + subject.load.workload.osl);
  }
  if (!advice.better) quantise(subject, advice);
  if (!advice.changes.empty() && advice.changes.front().setting == Setting::kQuantization) {
    advice.message += fmt::format(" No cut over the {} devices fits; in fp8 {} does.", subject.machine.num_devices(),
                                  describe(*advice.better));
  } else if (advice.better) {
    advice.message += fmt::format(" {} fits.", describe(*advice.better));
  } else {
    advice.message +=
        fmt::format(" No cut over the {} devices fits: quantise, or use more of them.", subject.machine.num_devices());
  }
  findings.push_back(std::move(advice));
  return false;
}

// vLLM refuses to start when one sequence of max_model_len has no room.
void check_length(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  const Prediction& own = judgement.own().front();
  if (!own.fits || judgement.starts(own)) return;
  const double room = own.memory.kv_tokens;
  Advice advice{.id = "max-model-len-beyond-kv", .severity = Severity::kError, .predicted_loss = 100};
  const double wanted = subject.load.workload.isl + subject.load.workload.osl;
  advice.message =
      fmt::format("A sequence may have {} tokens{}, and the KV cache holds {:.0f}: vLLM will not start.",
                  subject.max_model_len, subject.command->max_model_len > 0 ? "" : " (the model's own limit)", room);
  const int64_t shorter = round_length(0.95 * room);
  if (static_cast<double>(shorter) >= wanted && shorter > 0) {
    advice.changes.push_back({Setting::kMaxModelLen, std::to_string(shorter)});
  } else {
    judgement.repair(advice, devices_of(subject.plan));
  }
  findings.push_back(std::move(advice));
}

// The stated load needs more KV than there is: requests wait, or are preempted and computed again.
void check_load(const Judgement& judgement, Findings& findings) {
  const AdviceSubject& subject = judgement.subject();
  if (!subject.load.concurrency || subject.load.workload.arrival == Arrival::kOpenLoop) return;
  const Prediction& own = judgement.own().front();
  const Workload& load = judgement.loads().front();
  const double each = load.isl + load.osl / 2;  // of a request in the middle of its life
  const double asked = load.concurrency * each;
  const double room = own.memory.kv_tokens * subject.plan.dp;
  constexpr double kSure = 0.8;  // activations and workspace differ from release to release
  if (room >= kSure * asked) return;
  Advice advice{.id = "kv-too-small-for-load", .severity = Severity::kWarning};
  advice.message = fmt::format(
      "The weights fit, but the KV cache holds {:.0f} of the {:.0f} asked requests of {:.0f} + {:.0f} tokens; the "
      "others "
      "wait.",
      std::floor(room / each), load.concurrency, load.isl, load.osl);
  const int devices = devices_of(subject.plan);
  const auto roomier = [&](int count) {
    return judgement.best(
        count, [&](const Plan& plan) { return judgement.predict(plan).memory.kv_tokens * plan.dp >= asked; });
  };
  std::optional<Better> better = roomier(devices);
  if (!better && devices < subject.machine.num_devices()) better = roomier(subject.machine.num_devices());
  advice.predicted_loss = judgement.loss_percent(own, judgement.with_room(subject.plan));
  if (better) {
    advice.better = better->plan;
  } else {
    const bool eight_bit = subject.model.kv_bits > 8 && room * 2 >= kSure * asked &&
                           !flag_name(subject.engine.name, Setting::kKvCacheDtype).empty();
    if (eight_bit) advice.changes.push_back({Setting::kKvCacheDtype, "fp8"});
    if (!eight_bit) advice.message += " No cut of these devices holds them all: fewer at a time, or more devices.";
  }
  if (advice.predicted_loss < 5) return;  // they wait, and hardly anybody notices
  if (advice.predicted_loss < 10) advice.severity = Severity::kNote;
  findings.push_back(std::move(advice));
}

}  // namespace

void check_memory(const Judgement& judgement, Findings& findings) {
  const EngineCommand* command = judgement.subject().command;
  if (command != nullptr && command->offloads) return;
  if (!check_weights(judgement, findings)) return;
  if (command != nullptr && (command->sizes_kv_itself || command->has_config_file)) return;
  check_length(judgement, findings);
  check_load(judgement, findings);
}

}  // namespace kerf
