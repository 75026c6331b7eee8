// What the engine refuses before it looks at any device.
#include <fmt/format.h>

#include <algorithm>

#include "kerf/io/json.h"
#include "kerf/planner/command_reader.h"
#include "kerf/planner/lint_rules.h"

namespace kerf {

namespace {

Advice error(std::string id, std::string message, std::vector<Change> changes = {}) {
  return {.id = std::move(id),
          .severity = Severity::kError,
          .message = std::move(message),
          .predicted_loss = 100,
          .better = {},
          .changes = std::move(changes)};
}

std::string engine_title(std::string_view engine) {
  if (engine == "vllm") return "vLLM";
  if (engine == "sglang") return "SGLang";
  return engine == "trtllm" ? "TensorRT-LLM" : "kerf";
}

// What a refused value is replaced with: nothing for what has a default, 1 for a size.
std::string repaired(const BadValue& bad) {
  return bad.setting == Setting::kMemoryUtilization && !bad.value.empty() ? "0.9" : "";
}

void check_values(const EngineCommand& command, Findings& findings) {
  for (const BadValue& bad : command.bad_values) {
    findings.push_back(error("invalid-value",
                             fmt::format("{} is {}; {} takes {}.", bad.flag,
                                         bad.value.empty() ? "given no value" : "'" + shortened(bad.value) + "'",
                                         engine_title(command.engine), bad.expected),
                             {{bad.setting, repaired(bad)}}));
  }
}

void check_spelling(const EngineCommand& command, Findings& findings) {
  for (const CommandOption& option : command.options) {
    if (!option.misspelled) continue;
    findings.push_back(error("unknown-parallel-flag",
                             fmt::format("{} has no flag {}: {} is meant.", engine_title(command.engine),
                                         shortened(option.flag), flag_name(command.engine, option.setting)),
                             {{option.setting, option.value}}));
  }
}

// vLLM's own checks of one number against another (vllm/config: SchedulerConfig, ModelConfig).
void check_vllm_limits(const AdviceSubject& subject, Findings& findings) {
  const EngineCommand& c = *subject.command;
  const int64_t longest = subject.model.max_positions;
  if (c.max_model_len > longest && longest > 0 && !c.overrides_config && !c.has_config_file && !c.allows_long) {
    findings.push_back(error("max-model-len-beyond-model",
                             fmt::format("--max-model-len is {} and {} has positions for {}: vLLM refuses it.",
                                         c.max_model_len, subject.model.name, longest),
                             {{Setting::kMaxModelLen, std::to_string(longest)}}));
  }
  if (c.max_num_batched_tokens == 0) return;
  if (c.max_num_seqs > c.max_num_batched_tokens) {
    findings.push_back(
        error("batched-tokens-below-seqs",
              fmt::format("--max-num-batched-tokens {} is less than --max-num-seqs {}: a step could not "
                          "give every sequence a token, and vLLM refuses it.",
                          c.max_num_batched_tokens, c.max_num_seqs),
              {{Setting::kMaxNumBatchedTokens, std::to_string(std::max<int64_t>(2048, c.max_num_seqs))}}));
  }
  const int64_t length = c.max_model_len > 0 ? c.max_model_len : longest;
  if (c.chunked_prefill == false && length > c.max_num_batched_tokens && !c.auto_model_len) {
    findings.push_back(
        error("batched-tokens-below-length",
              fmt::format("Without chunked prefill a prompt of up to {} tokens has to fit in one step of "
                          "--max-num-batched-tokens {}: vLLM refuses it.",
                          length, c.max_num_batched_tokens),
              {{Setting::kChunkedPrefill, "true"}}));
  }
}

void check_launcher(const EngineCommand& c, Findings& findings) {
  const bool mpi = c.engine == "trtllm" &&
                   std::any_of(c.words.begin(), c.words.begin() + static_cast<std::ptrdiff_t>(c.first),
                               [](const ShellWord& word) { return word.text.ends_with("trtllm-llmapi-launch"); });
  if (mpi && c.launched_ranks > 0 && c.launched_ranks != devices_of({.tp = c.plan.tp, .pp = c.plan.pp})) {
    findings.push_back(
        error("ranks-launched",
              fmt::format("{} ranks are launched for tp {} x pp {} = {}.", c.launched_ranks, c.plan.tp, c.plan.pp,
                          devices_of({.tp = c.plan.tp, .pp = c.plan.pp})),
              {{Setting::kLaunchedRanks, std::to_string(devices_of({.tp = c.plan.tp, .pp = c.plan.pp}))}}));
  }
  if (c.engine == "sglang" && c.nodes > 1 && int64_t{c.tp_size} * c.plan.pp % c.nodes != 0) {
    findings.push_back(error("nodes-not-divisible",
                             fmt::format("tp {} x pp {} does not divide over --nnodes {}, as SGLang demands.",
                                         c.plan.tp, c.plan.pp, c.nodes),
                             {{Setting::kNodes, ""}}));
  }
}

void check_dp_attention(const EngineCommand& c, Findings& findings) {
  if (c.engine != "sglang" || !c.dp_attention) return;
  if (c.tp_size % c.plan.dp == 0) return;
  findings.push_back(error(
      "dp-attention-not-divisible",
      fmt::format("--enable-dp-attention cuts tp {} into dp {} groups, which does not divide.", c.tp_size, c.plan.dp),
      {{Setting::kDp, std::to_string(c.tp_size)}}));
}

void check_expert_flag(const AdviceSubject& subject, Findings& findings) {
  const EngineCommand& c = *subject.command;
  bool on = false;
  for (const CommandOption& option : c.options) {
    if (option.setting == Setting::kEnableEp) on = option.kind == FlagKind::kSwitch && option.value != "false";
  }
  if (!on || subject.model.is_moe() || c.plan.ep > 1) return;  // with more ranks, check_shards() says it
  findings.push_back(error("expert-parallel-on-dense-model",
                           fmt::format("{} has no experts to spread: {} refuses expert parallelism.",
                                       subject.model.name, engine_title(c.engine)),
                           {{Setting::kEnableEp, ""}}));
}

}  // namespace

void check_command(const AdviceSubject& subject, Findings& findings) {
  if (subject.command == nullptr) return;
  check_values(*subject.command, findings);
  check_spelling(*subject.command, findings);
  check_launcher(*subject.command, findings);
  check_dp_attention(*subject.command, findings);
  check_expert_flag(subject, findings);
  if (subject.engine.name == "vllm") check_vllm_limits(subject, findings);
}

}  // namespace kerf
