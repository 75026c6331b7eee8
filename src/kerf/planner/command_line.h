// A serving engine's command line, read: vLLM's, SGLang's, TensorRT-LLM's and kerf's, with what people put before them
// (environment, docker, mpirun, srun, torchrun, ray, bash -c).
//
// What is not understood is kept: a flag that the table of command_flags.h does not know may be newer than it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/command_flags.h"
#include "kerf/planner/shell_words.h"
#include "kerf/spec/plan.h"

namespace kerf {

// One flag as it stands in the command.
struct CommandOption {
  Setting setting = Setting::kOther;
  std::string flag;     // as written: "-tp", "--tensor_parallel_size"
  std::string value;    // as a program gets it; of a switch "true" or "false"
  size_t word = 0;      // index of the flag in EngineCommand::words
  size_t words = 1;     // 2 when the value is a word of its own
  bool joined = false;  // --flag=value
  FlagKind kind = FlagKind::kValue;
  bool unknown = false;     // not in the table
  bool misspelled = false;  // the engine refuses this spelling of a parallel flag; `setting` is what is meant
};

// A value that the engine would refuse to parse.
struct BadValue {
  Setting setting = Setting::kOther;
  std::string flag;
  std::string value;
  std::string expected;  // "a whole number from 1 on"
};

struct EngineCommand {
  std::string engine;  // "vllm", "sglang", "trtllm", "kerf"
  std::string model;

  Plan plan;                  // as the engine reads the flags; with attention DP, the attention's tp and dp
  bool states_plan = false;   // some parallel flag is there (kerf chooses by itself otherwise)
  bool dp_attention = false;  // attention is data parallel inside the tp group
  int tp_size = 1;            // the number behind the flag: with SGLang's attention DP, dp groups of plan.tp
  int context_parallel = 1;

  int64_t max_model_len = 0;  // 0 = not stated
  bool auto_model_len = false;
  int64_t max_num_seqs = 0;
  int64_t max_num_batched_tokens = 0;
  double memory_utilization = 0;
  std::string kv_cache_dtype;
  std::string quantization;
  std::string dtype;
  bool enforce_eager = false;
  std::optional<bool> chunked_prefill;
  int nodes = 0;  // 0 = not stated

  // Stated outside of the engine's own flags.
  std::optional<std::vector<int>> visible_devices;  // CUDA_VISIBLE_DEVICES, docker --gpus device=…
  int visible_count = 0;                            // docker --gpus 2; 0 = not stated
  int launched_ranks = 0;                           // mpirun -n, srun -n; 0 = not stated

  // Things that move the memory or the speed in ways that no rule knows.
  bool sizes_kv_itself = false;
  bool offloads = false;
  bool overrides_config = false;
  bool speculates = false;
  bool has_config_file = false;
  bool allows_long = false;  // VLLM_ALLOW_LONG_MAX_MODEL_LEN=1

  std::vector<CommandOption> options;  // all of them, the unknown too
  std::vector<BadValue> bad_values;

  [[nodiscard]] bool states(Setting setting) const;

  // The text that the command was read from: words[first, end) are the engine's own.
  std::vector<ShellWord> words;
  size_t begin = 0;  // of the simple command, its environment and launcher included
  size_t first = 0;
  size_t end = 0;
  // When the command stood in quotes behind `bash -c`: what is around it, and which word it is.
  std::vector<ShellWord> outer;
  size_t outer_word = 0;
};

// One word is read as a shell would read a line; several are the words of a line that a shell has split.
// Fails, with one sentence, when there is no engine's command in it, no model, an open quote, or a parallel size that
// is a shell variable.
[[nodiscard]] Result<EngineCommand> parse_engine_command(std::span<const std::string> arguments);

// tp * pp * dp; what exceeds any machine is a billion.
[[nodiscard]] int devices_of(const Plan& plan);

// What to change: a setting and its value; an empty value removes the flag.
struct Change {
  Setting setting = Setting::kOther;
  std::string value;
  bool operator==(const Change&) const = default;
};

// The parallel flags that make `plan` out of this command's.
[[nodiscard]] std::vector<Change> plan_changes(const EngineCommand& command, const Plan& plan);

// The whole command again with the changes made, everything else as it was written.
[[nodiscard]] std::string changed_command(const EngineCommand& command, std::span<const Change> changes);

}  // namespace kerf
