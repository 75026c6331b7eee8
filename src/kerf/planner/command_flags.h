// Which flag of which engine means what: one table, for reading commands and for writing them.
//
// Spellings are those of vLLM 0.4–0.12 (vllm/engine/arg_utils.py), SGLang 0.3–0.5 (server_args.py), TensorRT-LLM
// 0.18–1.2 (commands/serve.py) and kerf, older ones included.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kerf {

enum class Setting : uint8_t {
  kOther,  // a flag that no rule needs, or one newer than this table
  kModel,
  kTp,
  kPp,
  kDp,
  kDpLocal,   // vLLM: replicas on this node
  kEp,        // a number
  kEnableEp,  // vLLM: ep = tp * dp
  kDpAttention,
  kContextParallel,
  kSp,
  kPpLayers,
  kTpWeights,
  kMaxModelLen,
  kMaxNumSeqs,
  kMaxNumBatchedTokens,
  kMemoryUtilization,
  kKvCacheDtype,
  kQuantization,
  kDtype,
  kEnforceEager,
  kChunkedPrefill,
  kNodes,
  kKvCacheSize,  // stated outright: the memory model does not decide it
  kOffload,      // weights in host memory
  kOverrides,    // of config.json
  kSpeculative,
  kConfigFile,
  kVisibleDevices,  // CUDA_VISIBLE_DEVICES
  kLaunchedRanks,   // mpirun -n, srun -n
};

enum class FlagKind : uint8_t {
  kValue,
  kSwitch,  // on; "true" or "false" may follow
  kOff,     // --no-…: the setting is off
};

struct FlagSpec {
  std::string_view name;  // with its dashes; underscores are dashes
  Setting setting;
  FlagKind kind = FlagKind::kValue;
};

// The first flag of a setting is the one that is written. Empty for an unknown engine.
[[nodiscard]] std::span<const FlagSpec> engine_flags(std::string_view engine);

// The environment variable that holds a setting for an engine, or empty.
[[nodiscard]] std::string_view environment_name(std::string_view engine, Setting setting);

// The flag `name` (normalised) or, as argparse allows, an unambiguous beginning of one; nullptr = unknown.
[[nodiscard]] const FlagSpec* find_flag(std::string_view engine, std::string_view name);

// The spelling that is written for a setting; empty when the engine has none.
[[nodiscard]] std::string_view flag_name(std::string_view engine, Setting setting);

}  // namespace kerf
