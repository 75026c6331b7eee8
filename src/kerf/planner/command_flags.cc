#include "kerf/planner/command_flags.h"

namespace kerf {

namespace {

using enum Setting;
constexpr FlagKind kSwitch = FlagKind::kSwitch;
constexpr FlagKind kOff = FlagKind::kOff;

constexpr FlagSpec kVllm[] = {
    {"--model", kModel},
    {"--tensor-parallel-size", kTp},
    {"-tp", kTp},
    {"--pipeline-parallel-size", kPp},
    {"-pp", kPp},
    {"--data-parallel-size", kDp},
    {"-dp", kDp},
    {"--data-parallel-size-local", kDpLocal},
    {"-dpl", kDpLocal},
    {"--enable-expert-parallel", kEnableEp, kSwitch},
    {"-ep", kEnableEp, kSwitch},
    {"--no-enable-expert-parallel", kEnableEp, kOff},
    {"--decode-context-parallel-size", kContextParallel},
    {"-dcp", kContextParallel},
    {"--prefill-context-parallel-size", kContextParallel},
    {"-pcp", kContextParallel},
    {"--max-model-len", kMaxModelLen},
    {"--max-num-seqs", kMaxNumSeqs},
    {"--max-num-batched-tokens", kMaxNumBatchedTokens},
    {"--gpu-memory-utilization", kMemoryUtilization},
    {"--kv-cache-dtype", kKvCacheDtype},
    {"--quantization", kQuantization},
    {"-q", kQuantization},
    {"--dtype", kDtype},
    {"--enforce-eager", kEnforceEager, kSwitch},
    {"--no-enforce-eager", kEnforceEager, kOff},
    {"--enable-chunked-prefill", kChunkedPrefill, kSwitch},
    {"--no-enable-chunked-prefill", kChunkedPrefill, kOff},
    {"--nnodes", kNodes},
    {"-n", kNodes},
    {"--num-gpu-blocks-override", kKvCacheSize},
    {"--kv-cache-memory-bytes", kKvCacheSize},
    {"--kv-cache-memory", kKvCacheSize},
    {"--cpu-offload-gb", kOffload},
    {"--hf-overrides", kOverrides},
    {"--rope-scaling", kOverrides},
    {"--speculative-config", kSpeculative},
    {"--speculative-model", kSpeculative},
    {"--config", kConfigFile},
    // Switches that are often written before the model.
    {"--trust-remote-code", kOther, kSwitch},
    {"--headless", kOther, kSwitch},
    {"--async-scheduling", kOther, kSwitch},
    {"--worker-use-ray", kOther, kSwitch},
    {"--engine-use-ray", kOther, kSwitch},
    {"--data-parallel-hybrid-lb", kOther, kSwitch},
    {"--data-parallel-external-lb", kOther, kSwitch},
    {"--language-model-only", kOther, kSwitch},
    // Longer names that begin like one above.
    {"--model-impl", kOther},
    {"--model-loader-extra-config", kOther},
    {"--quantization-param-path", kOther},
    {"--config-format", kOther},
};

constexpr FlagSpec kSglang[] = {
    {"--model-path", kModel},
    {"--model", kModel},
    {"--tp-size", kTp},
    {"--tensor-parallel-size", kTp},
    {"--tp", kTp},
    {"--pp-size", kPp},
    {"--pipeline-parallel-size", kPp},
    {"--pp", kPp},
    {"--dp-size", kDp},
    {"--data-parallel-size", kDp},
    {"--dp", kDp},
    {"--ep-size", kEp},
    {"--expert-parallel-size", kEp},
    {"--ep", kEp},
    {"--enable-ep-moe", kEnableEp, kSwitch},
    {"--enable-deepep-moe", kEnableEp, kSwitch},
    {"--enable-dp-attention", kDpAttention, kSwitch},
    {"--attn-cp-size", kContextParallel},
    {"--attention-context-parallel-size", kContextParallel},
    {"--dcp-size", kContextParallel},
    {"--decode-context-parallel-size", kContextParallel},
    {"--context-length", kMaxModelLen},
    {"--max-running-requests", kMaxNumSeqs},
    {"--chunked-prefill-size", kMaxNumBatchedTokens},
    {"--mem-fraction-static", kMemoryUtilization},
    {"--kv-cache-dtype", kKvCacheDtype},
    {"--quantization", kQuantization},
    {"--dtype", kDtype},
    {"--disable-cuda-graph", kEnforceEager, kSwitch},
    {"--nnodes", kNodes},
    {"--max-total-tokens", kKvCacheSize},
    {"--cpu-offload-gb", kOffload},
    {"--json-model-override-args", kOverrides},
    {"--speculative-algorithm", kSpeculative},
    {"--speculative-algo", kSpeculative},
    {"--config", kConfigFile},
    {"--trust-remote-code", kOther, kSwitch},
    {"--disable-cuda-graph-padding", kOther, kSwitch},
    {"--model-loader-extra-config", kOther},
    {"--model-impl", kOther},
    {"--quantization-param-path", kOther},
    {"--log-requests", kOther, kSwitch},
};

constexpr FlagSpec kTrtllm[] = {
    {"--model", kModel},
    {"--tp_size", kTp},
    {"--tensor_parallel_size", kTp},
    {"--pp_size", kPp},
    {"--pipeline_parallel_size", kPp},
    {"--ep_size", kEp},
    {"--moe_expert_parallel_size", kEp},
    {"--enable_attention_dp", kDpAttention, kSwitch},
    {"--cp_size", kContextParallel},
    {"--context_parallel_size", kContextParallel},
    {"--max_seq_len", kMaxModelLen},
    {"--max_batch_size", kMaxNumSeqs},
    {"--max_num_tokens", kMaxNumBatchedTokens},
    {"--kv_cache_free_gpu_memory_fraction", kMemoryUtilization},
    {"--free_gpu_memory_fraction", kMemoryUtilization},
    {"--kv_cache_dtype", kKvCacheDtype},
    {"--extra_llm_api_options", kConfigFile},
    {"--config", kConfigFile},
    {"--trust_remote_code", kOther, kSwitch},
    {"--fail_fast_on_attention_window_too_large", kOther, kSwitch},
    {"--grpc", kOther, kSwitch},
};

constexpr FlagSpec kKerf[] = {
    {"--model", kModel},
    {"--tensor-parallel-size", kTp},
    {"--tp", kTp},
    {"--pipeline-parallel-size", kPp},
    {"--pp", kPp},
    {"--data-parallel-size", kDp},
    {"--dp", kDp},
    {"--expert-parallel-size", kEp},
    {"--ep", kEp},
    {"--enable-expert-parallel", kEnableEp, kSwitch},
    {"--sequence-parallel", kSp, kSwitch},
    {"--sp", kSp, kSwitch},
    {"--pp-layers", kPpLayers},
    {"--tp-weights", kTpWeights},
    {"--max-model-len", kMaxModelLen},
    {"--max-num-seqs", kMaxNumSeqs},
    {"--max-num-batched-tokens", kMaxNumBatchedTokens},
    {"--gpu-memory-utilization", kMemoryUtilization},
    {"--quantization", kQuantization},
    {"--dtype", kDtype},
    {"--json", kOther, kSwitch},
    {"--ignore-eos", kOther, kSwitch},
};

bool same(std::string_view spec, std::string_view name, bool beginning) {
  if (beginning ? name.size() > spec.size() : name.size() != spec.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((spec[i] == '_' ? '-' : spec[i]) != name[i]) return false;
  }
  return true;
}

// argparse takes a beginning of a flag; one so short that a newer flag may be meant is left alone.
constexpr size_t kShortestBeginning = 10;

}  // namespace

std::span<const FlagSpec> engine_flags(std::string_view engine) {
  if (engine == "vllm") return kVllm;
  if (engine == "sglang") return kSglang;
  if (engine == "trtllm") return kTrtllm;
  if (engine == "kerf") return kKerf;
  return {};
}

std::string_view environment_name(std::string_view engine, Setting setting) {
  if (setting == kVisibleDevices) return "CUDA_VISIBLE_DEVICES";
  if (setting == kPpLayers && engine == "vllm") return "VLLM_PP_LAYER_PARTITION";
  if (setting == kPpLayers && engine == "sglang") return "SGLANG_PP_LAYER_PARTITION";
  return {};
}

const FlagSpec* find_flag(std::string_view engine, std::string_view name) {
  const std::span<const FlagSpec> flags = engine_flags(engine);
  for (const FlagSpec& flag : flags) {
    if (same(flag.name, name, false)) return &flag;
  }
  if (name.size() < kShortestBeginning || (engine != "vllm" && engine != "sglang")) return nullptr;
  const FlagSpec* found = nullptr;
  for (const FlagSpec& flag : flags) {
    if (!same(flag.name, name, true)) continue;
    if (found != nullptr) return nullptr;
    found = &flag;
  }
  return found;
}

std::string_view flag_name(std::string_view engine, Setting setting) {
  for (const FlagSpec& flag : engine_flags(engine)) {
    if (flag.setting == setting && flag.kind != kOff) return flag.name;
  }
  return {};
}

}  // namespace kerf
