// Writing a command again with some settings changed.
#include <algorithm>

#include "kerf/planner/command_line.h"

namespace kerf {

namespace {

using enum Setting;

// The new words are collected beside the old, whose indices stay valid until the end.
class Editor {
 public:
  explicit Editor(const EngineCommand& command) : command_(command), words_(command.words) {
    kept_.assign(words_.size(), true);
    for (size_t i = 1; i < command.first && i < words_.size() && docker_run_ == 0; ++i) {
      const std::string& before = words_[i - 1].text;
      if (words_[i].text == "run" && (before.ends_with("docker") || before.ends_with("podman"))) docker_run_ = i;
    }
  }

  void apply(const Change& change) {
    if (change.setting == kLaunchedRanks) {
      set_ranks(change.value);
      return;
    }
    if (change.setting == kVisibleDevices || flag_name(command_.engine, change.setting).empty()) {
      set_environment(change);
      return;
    }
    bool written = false;
    for (const CommandOption& option : command_.options) {
      if (option.setting != change.setting) continue;
      const bool flips = option.kind == FlagKind::kOff || option.kind == FlagKind::kSwitch;
      if (change.value.empty() || (flips && (option.kind == FlagKind::kOff || option.value == "false"))) {
        remove(option);
      } else {
        if (option.kind == FlagKind::kValue) rewrite(option, change.value);
        written = true;
      }
    }
    if (!written && !change.value.empty()) append(change);
  }

  [[nodiscard]] std::string text() const {
    std::string line;
    for (size_t i = 0; i < words_.size(); ++i) {
      if (kept_[i] && (i == 0 || !line.empty())) line += words_[i].blank;
      if (i == command_.begin && docker_run_ == 0) line += prefix_;
      if (kept_[i]) line += words_[i].raw;
      if (docker_run_ != 0 && i == docker_run_) line += docker_environment();
      if (i + 1 == command_.end) line += appended_;
    }
    if (command_.outer.empty()) return line;
    std::vector<ShellWord> outer = command_.outer;
    outer[command_.outer_word].raw = shell_quote(line);
    return join_shell_words(outer);
  }

 private:
  void remove(const CommandOption& option) {
    for (size_t i = 0; i < option.words; ++i) kept_[option.word + i] = false;
  }

  void rewrite(const CommandOption& option, const std::string& value) {
    const std::string flag = option.misspelled ? std::string(flag_name(command_.engine, option.setting)) : option.flag;
    if (option.joined) {
      words_[option.word].raw = flag + "=" + shell_quote(value);
    } else {
      words_[option.word].raw = flag;
      if (option.words == 2) words_[option.word + 1].raw = shell_quote(value);
      if (option.words == 1) words_[option.word].raw += " " + shell_quote(value);
    }
  }

  void append(const Change& change) {
    std::string_view flag = flag_name(command_.engine, change.setting);
    appended_ += " " + std::string(flag);
    for (const FlagSpec& spec : engine_flags(command_.engine)) {
      if (spec.name == flag && spec.kind == FlagKind::kValue) appended_ += " " + shell_quote(change.value);
    }
  }

  void set_environment(const Change& change) {
    const std::string name(environment_name(command_.engine, change.setting));
    if (name.empty()) return;
    bool written = false;
    for (size_t i = 0; i < command_.first && i < words_.size(); ++i) {
      const std::string& text = words_[i].text;
      if (text.starts_with(name + "=") || text.starts_with("--env=" + name + "=")) {
        kept_[i] = kept_[i] && !change.value.empty();
        words_[i].raw = text.substr(0, text.find(name)) + name + "=" + shell_quote(change.value);
        written = true;
      } else if (change.setting == kVisibleDevices && text == "--gpus" && i + 1 < command_.first) {
        words_[i + 1].raw = "'\"device=" + change.value + "\"'";
        written = true;
      } else if (change.setting == kVisibleDevices && text.starts_with("--gpus=")) {
        words_[i].raw = "'--gpus=\"device=" + change.value + "\"'";
        written = true;
      }
    }
    if (!written && !change.value.empty()) prefix_ += name + "=" + shell_quote(change.value) + " ";
  }

  void set_ranks(const std::string& value) {
    for (size_t i = 0; i + 1 < command_.first; ++i) {
      const std::string& text = words_[i].text;
      if (text == "-n" || text == "-np" || text == "--np" || text == "--ntasks") words_[i + 1].raw = value;
      if (text.starts_with("--ntasks=")) words_[i].raw = "--ntasks=" + value;
    }
  }

  // What a container is to see goes through docker's own flag.
  [[nodiscard]] std::string docker_environment() const {
    return prefix_.empty() ? "" : " -e " + prefix_.substr(0, prefix_.size() - 1);
  }

  const EngineCommand& command_;
  std::vector<ShellWord> words_;
  std::vector<bool> kept_;
  std::string appended_;
  std::string prefix_;     // "NAME=value "
  size_t docker_run_ = 0;  // the word `run` of `docker run`; 0 = no container
};

std::string number(int64_t value) { return value == 1 ? "" : std::to_string(value); }

}  // namespace

std::vector<Change> plan_changes(const EngineCommand& command, const Plan& plan) {
  std::vector<Change> changes;
  const bool attention = command.dp_attention && command.engine == "sglang";
  const int64_t tp = attention && plan.dp > 1 ? int64_t{plan.tp} * plan.dp : plan.tp;
  changes.push_back({kTp, number(tp)});
  changes.push_back({kPp, number(plan.pp)});
  if (!flag_name(command.engine, kDp).empty()) changes.push_back({kDp, number(plan.dp)});
  if (command.states(kDpLocal) && plan.dp != command.plan.dp) changes.push_back({kDpLocal, ""});
  if (!flag_name(command.engine, kEp).empty()) {
    changes.push_back({kEp, number(plan.ep)});
    if (command.states(kEnableEp)) changes.push_back({kEnableEp, ""});
  } else if (!flag_name(command.engine, kEnableEp).empty()) {
    changes.push_back({kEnableEp, plan.ep > 1 ? "true" : ""});
  }
  if (command.states(kPpLayers) || !environment_name(command.engine, kPpLayers).empty()) {
    std::string layers;
    for (const int64_t count : plan.pp_layers) layers += (layers.empty() ? "" : ",") + std::to_string(count);
    changes.push_back({kPpLayers, layers});
  }
  return changes;
}

std::string changed_command(const EngineCommand& command, std::span<const Change> changes) {
  Editor editor(command);
  for (const Change& change : changes) editor.apply(change);
  return editor.text();
}

}  // namespace kerf
