#include "kerf/planner/command_line.h"

#include <algorithm>

#include "kerf/planner/command_reader.h"

namespace kerf {

namespace {

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Where an engine's own arguments begin.
struct Entry {
  std::string_view engine;
  size_t first = 0;
};

std::string_view engine_of_module(std::string_view module) {
  if (is_one_of(module, {"vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server",
                         "vllm.entrypoints.cli.main", "vllm"})) {
    return "vllm";
  }
  if (is_one_of(module, {"sglang.launch_server", "sglang.bench_one_batch", "sglang.bench_offline_throughput"})) {
    return "sglang";
  }
  return module == "tensorrt_llm.commands.serve" ? "trtllm" : "";
}

std::optional<Entry> entry_at(std::span<const ShellWord> words, size_t i) {
  const std::string_view word = words[i].text;
  const auto text = [&](size_t at) { return at < words.size() ? std::string_view(words[at].text) : ""; };
  const std::string_view name = base_name(word);
  if (name == "vllm" && text(i + 1) == "serve") return Entry{"vllm", i + 2};
  if (name == "vllm" && text(i + 1) == "bench" && is_one_of(text(i + 2), {"latency", "throughput"})) {
    return Entry{"vllm", i + 3};
  }
  if (name == "sglang" && text(i + 1) == "serve") return Entry{"sglang", i + 2};
  if (name == "trtllm-serve" && text(i + 1) != "disaggregated") {
    return Entry{"trtllm", text(i + 1) == "serve" ? i + 2 : i + 1};
  }
  if (name == "kerf" && is_one_of(text(i + 1), {"run", "serve", "score", "bench"})) return Entry{"kerf", i + 2};
  if (word == "-m") {
    const std::string_view engine = engine_of_module(text(i + 1));
    if (!engine.empty()) return Entry{engine, text(i + 2) == "serve" ? i + 3 : i + 2};
  }
  return std::nullopt;
}

// The official image starts the server by itself: docker run … vllm/vllm-openai:v0.9 --model …
std::optional<Entry> image_entry(std::span<const ShellWord> words) {
  bool docker = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i].text;
    docker = docker || is_one_of(base_name(word), {"docker", "podman", "nerdctl"});
    if (docker && !word.starts_with('-') && word.find("vllm-openai") != std::string_view::npos) {
      const bool serve = i + 1 < words.size() && words[i + 1].text == "serve";
      return Entry{"vllm", serve ? i + 2 : i + 1};
    }
  }
  return std::nullopt;
}

std::optional<Entry> find_entry(std::span<const ShellWord> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].control) continue;
    if (const auto entry = entry_at(words, i)) return entry;
  }
  return image_entry(words);
}

// The word behind `bash -c`, which holds a command of its own.
std::optional<size_t> nested_command(std::span<const ShellWord> words) {
  for (size_t i = 0; i + 2 < words.size(); ++i) {
    const std::string_view option = words[i + 1].text;
    if (is_one_of(base_name(words[i].text), {"bash", "sh", "zsh"}) && option.starts_with('-') &&
        option.ends_with('c')) {
      return i + 2;
    }
  }
  return std::nullopt;
}

Error no_engine(std::span<const ShellWord> words) {
  return fail(
      "no serving command in '{}': give one such as vllm serve MODEL …, python -m sglang.launch_server --model-path "
      "MODEL …, trtllm-serve MODEL … or kerf serve MODEL …",
      shortened(join_shell_words(words)));
}

Result<EngineCommand> read_words(std::vector<ShellWord> words) {
  const auto entry = find_entry(words);
  if (!entry) return no_engine(words);
  EngineCommand command;
  command.engine = entry->engine;
  command.first = entry->first;
  command.end = entry->first;
  while (command.end < words.size() && !words[command.end].control) ++command.end;
  command.begin = entry->first;
  while (command.begin > 0 && !words[command.begin - 1].control) --command.begin;
  command.words = std::move(words);
  KERF_TRY_STATUS(read_options(command));
  KERF_TRY_STATUS(read_launcher(command));
  return command;
}

}  // namespace

int devices_of(const Plan& plan) {
  constexpr int64_t kMost = 1'000'000'000;
  const int64_t ranks = std::min(kMost, int64_t{plan.tp} * plan.pp);
  return static_cast<int>(std::min(kMost, ranks * plan.dp));
}

bool EngineCommand::states(Setting setting) const {
  return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.setting == setting; });
}

Result<EngineCommand> parse_engine_command(std::span<const std::string> arguments) {
  std::vector<ShellWord> words = shell_words(arguments);
  if (arguments.size() == 1 && arguments[0].find_first_of(" \t\n") != std::string::npos) {
    KERF_TRY(words, split_shell_words(arguments[0]));
  }
  if (words.empty()) return fail("no command to judge: give it after --, as in kerf lint … -- vllm serve MODEL");
  const auto nested = nested_command(words);
  if (find_entry(words) || !nested) return read_words(std::move(words));
  KERF_TRY(std::vector<ShellWord> inner, split_shell_words(words[*nested].text));
  KERF_TRY(EngineCommand command, read_words(std::move(inner)));
  command.outer = std::move(words);
  command.outer_word = *nested;
  return command;
}

}  // namespace kerf
