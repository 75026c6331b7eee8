#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "kerf/io/json.h"
#include "kerf/planner/command_reader.h"

namespace kerf {

namespace {

using enum Setting;

constexpr int64_t kLargestSize = 65536;  // of a parallel group: beyond it nothing but a slip of the finger

bool is_number(std::string_view text) {
  return text.size() > 1 && text[0] == '-' && text.find_first_not_of("0123456789.", 1) == std::string_view::npos;
}
bool is_flag(std::string_view text) { return text.size() > 1 && text[0] == '-' && !is_number(text); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return result;
}

// Flags that are not in the table and take no value, by the way engines name such.
bool looks_like_switch(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kBeginnings = {
      "--no-", "--enable-", "--disable-", "--allow-", "--trust-", "--use-", "--skip-", "--return-", "--ignore-"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](auto begin) { return name.starts_with(begin); }) ||
         name.ends_with("-only");
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// What a parallel flag that the engine surely refuses is meant to be: another engine's spelling, or two letters off.
Setting meant_by(std::string_view engine, std::string_view name) {
  struct Foreign {
    std::string_view engine, name;
    Setting setting;
  };
  static constexpr Foreign kForeign[] = {
      {"vllm", "--tp", kTp},
      {"vllm", "--tp-size", kTp},
      {"vllm", "--pp", kPp},
      {"vllm", "--pp-size", kPp},
      {"vllm", "--dp", kDp},
      {"vllm", "--dp-size", kDp},
      {"sglang", "-tp", kTp},
      {"sglang", "-pp", kPp},
      {"sglang", "-dp", kDp},
      {"trtllm", "-tp", kTp},
      {"trtllm", "-pp", kPp},
      {"kerf", "-tp", kTp},
      {"kerf", "-pp", kPp},
      {"vllm", "--tensor-model-parallel-size", kTp},
      {"vllm", "--pipeline-model-parallel-size", kPp},
  };
  for (const Foreign& foreign : kForeign) {
    if (foreign.engine == engine && foreign.name == name) return foreign.setting;
  }
  constexpr size_t kLongest = 40;  // no parallel flag is longer
  if (name.size() < 10 || name.size() > kLongest) return kOther;
  for (const FlagSpec& flag : engine_flags(engine)) {
    const bool parallel = flag.setting == kTp || flag.setting == kPp || flag.setting == kDp || flag.setting == kEp;
    std::string spelled(flag.name);
    std::replace(spelled.begin(), spelled.end(), '_', '-');
    if (parallel && spelled.size() > 12 && edit_distance(spelled, name) <= 2) return flag.setting;
  }
  return kOther;
}

// Splits words[first, end) into options and positionals.
class OptionReader {
 public:
  explicit OptionReader(EngineCommand& command) : command_(command), at_(command.first) {}

  void read() {
    while (at_ < command_.end) {
      const std::string& text = word(at_);
      if (text == "--") {
        ++at_;
      } else if (is_flag(text)) {
        command_.options.push_back(read_option());
      } else {
        positionals_.push_back(at_++);
      }
    }
  }

  // The model: a flag, else the first positional, else what an unknown flag took that may be a switch.
  void find_model() {
    for (const CommandOption& option : command_.options) {
      if (option.setting == kModel) command_.model = option.value;
    }
    if (!positionals_.empty() && (command_.model.empty() || positionals_[0] == command_.first)) {
      command_.model = word(positionals_[0]);
    }
    if (!command_.model.empty()) return;
    for (CommandOption& option : command_.options) {
      if (option.unknown && option.words == 2 && option.value.find('/') != std::string::npos) {
        command_.model = option.value;
        option.value.clear();
        option.words = 1;
        return;
      }
    }
  }

 private:
  [[nodiscard]] const std::string& word(size_t i) const { return command_.words[i].text; }
  [[nodiscard]] bool value_follows() const { return at_ < command_.end && !is_flag(word(at_)); }

  CommandOption read_option() {
    CommandOption option{.word = at_};
    const std::string& text = word(at_++);
    const size_t equals = text.find('=');
    option.joined = equals != std::string::npos;
    option.flag = text.substr(0, equals);
    if (option.joined) option.value = text.substr(equals + 1);
    std::string name = option.flag;
    std::replace(name.begin(), name.end(), '_', '-');
    classify(option, name);
    if (option.joined) return option;
    if (option.kind == FlagKind::kValue && value_follows()) {
      take_value(option);
    } else if (option.kind != FlagKind::kValue) {
      const std::string next = value_follows() ? lower(word(at_)) : "";
      option.value = "true";
      if (next == "true" || next == "false") {
        take_value(option);
        option.value = next;
      }
    }
    return option;
  }

  void classify(CommandOption& option, const std::string& name) const {
    if (const FlagSpec* spec = find_flag(command_.engine, name)) {
      option.setting = spec->setting;
      option.kind = spec->kind;
      return;
    }
    option.setting = meant_by(command_.engine, name);
    option.misspelled = option.setting != kOther;
    option.unknown = !option.misspelled;
    if (option.unknown && looks_like_switch(name)) option.kind = FlagKind::kSwitch;
  }

  void take_value(CommandOption& option) {
    option.value = word(at_++);
    option.words = 2;
  }

  EngineCommand& command_;
  size_t at_;
  std::vector<size_t> positionals_;
};

// "4096", and vLLM's "32k" (thousands) and "32K" (of 1024).
std::optional<int64_t> parse_count(std::string_view text) {
  double factor = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k': factor = 1e3; break;
      case 'K': factor = 1024; break;
      case 'm': factor = 1e6; break;
      case 'M': factor = 1024 * 1024; break;
      default: break;
    }
    if (factor != 1) text.remove_suffix(1);
  }
  if (factor == 1) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return count;
  }
  double count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(count) < 1e12)) return std::nullopt;
  return std::llround(count * factor);
}

class Settings {
 public:
  explicit Settings(EngineCommand& command) : command_(command) {}

  Status apply(const CommandOption& option) {
    const bool on = option.kind != FlagKind::kOff && option.value != "false";
    const bool variable = option.value.find('$') != std::string::npos;
    switch (option.setting) {
      case kTp: return size(option, command_.plan.tp);
      case kPp: return size(option, command_.plan.pp);
      case kDp: return size(option, command_.plan.dp);
      case kEp: return size(option, ep_);
      case kContextParallel: return size(option, command_.context_parallel);
      case kNodes: return size(option, command_.nodes);
      case kEnableEp: enable_ep_ = on; break;
      case kDpAttention: command_.dp_attention = on; break;
      case kSp: command_.plan.sp = on; break;
      case kPpLayers: layers(option); break;
      case kMaxModelLen:
        command_.auto_model_len = option.value == "auto" || option.value == "-1" || variable;
        if (!command_.auto_model_len) count(option, command_.max_model_len);
        break;
      case kMaxNumSeqs:
        if (!variable) count(option, command_.max_num_seqs);
        break;
      case kMaxNumBatchedTokens:
        if (!variable && option.value != "-1") count(option, command_.max_num_batched_tokens);
        break;
      case kMemoryUtilization:
        if (!variable) share(option);
        break;
      case kKvCacheDtype: command_.kv_cache_dtype = option.value; break;
      case kQuantization: command_.quantization = lower(option.value) == "none" ? "" : lower(option.value); break;
      case kDtype: command_.dtype = lower(option.value); break;
      case kEnforceEager: command_.enforce_eager = on; break;
      case kChunkedPrefill: command_.chunked_prefill = on; break;
      case kKvCacheSize: command_.sizes_kv_itself = true; break;
      case kOffload: command_.offloads = option.value != "0"; break;
      case kOverrides: command_.overrides_config = true; break;
      case kSpeculative: command_.speculates = true; break;
      case kConfigFile: command_.has_config_file = true; break;
      default: break;
    }
    return Ok{};
  }

  // What several flags make together.
  void finish() {
    Plan& plan = command_.plan;
    const bool states[] = {command_.states(kTp), command_.states(kPp), command_.states(kDp)};
    command_.states_plan = states[0] || states[1] || states[2];
    command_.tp_size = plan.tp;
    if (command_.engine == "sglang" && command_.dp_attention) {
      // --tp-size counts all devices of the replica; attention is cut dp ways by requests and tp/dp ways by heads.
      if (plan.tp % plan.dp == 0) plan.tp /= plan.dp;
    }
    plan.ep = ep_;
    if (enable_ep_ && command_.engine != "sglang") plan.ep = devices_of({.tp = plan.tp, .dp = plan.dp});
    if (enable_ep_ && command_.engine == "sglang") {
      plan.ep = devices_of({.tp = plan.tp, .dp = command_.dp_attention ? plan.dp : 1});
    }
  }

 private:
  void refuse(const CommandOption& option, std::string expected) {
    command_.bad_values.push_back({option.setting, option.flag, option.value, std::move(expected)});
  }

  Status size(const CommandOption& option, int& value) {
    if (option.value.find('$') != std::string::npos || option.value.find('`') != std::string::npos) {
      return fail("{} is '{}', which only a shell can tell: write the number", option.flag, shown(option.value));
    }
    const auto parsed = parse_count(option.value);
    if (!parsed || *parsed < 1 || *parsed > kLargestSize) {
      refuse(option, "a whole number from 1 on");
    } else {
      value = static_cast<int>(*parsed);
    }
    return Ok{};
  }

  void count(const CommandOption& option, int64_t& value) {
    const auto parsed = parse_count(option.value);
    if (!parsed || *parsed < 1) {
      refuse(option, "a whole number from 1 on");
    } else {
      value = *parsed;
    }
  }

  void share(const CommandOption& option) {
    double value = 0;
    const char* end = option.value.data() + option.value.size();
    const auto [at, error] = std::from_chars(option.value.data(), end, value);
    if (error != std::errc() || at != end || !(value > 0) || value > 1) {
      refuse(option, "a share between 0 and 1");
    } else {
      command_.memory_utilization = value;
    }
  }

  void layers(const CommandOption& option) {
    std::vector<int64_t> list;
    for (size_t begin = 0; begin <= option.value.size();) {
      const size_t end = std::min(option.value.find(',', begin), option.value.size());
      const auto parsed = parse_count(std::string_view(option.value).substr(begin, end - begin));
      if (!parsed || *parsed < 1 || *parsed > kLargestSize) {
        refuse(option, "layers per stage such as 7,8,8,7");
        return;
      }
      list.push_back(*parsed);
      begin = end + 1;
    }
    command_.plan.pp_layers = std::move(list);
  }

  EngineCommand& command_;
  int ep_ = 1;
  bool enable_ep_ = false;
};

}  // namespace

std::string shortened(std::string_view text) {
  constexpr size_t kHead = 60;
  constexpr size_t kTail = 30;
  if (text.size() <= kHead + kTail) return shown(text);
  return shown(text.substr(0, kHead)) + "…" + shown(text.substr(text.size() - kTail));
}

Status read_options(EngineCommand& command) {
  OptionReader reader(command);
  reader.read();
  reader.find_model();
  Settings settings(command);
  for (const CommandOption& option : command.options) KERF_TRY_STATUS(settings.apply(option));
  settings.finish();
  if (command.model.empty() && !command.has_config_file) {
    return fail("the command names no model: give it as the engine wants it, {}",
                command.engine == "sglang" ? "as in --model-path MODEL" : "as the first argument");
  }
  return Ok{};
}

}  // namespace kerf
