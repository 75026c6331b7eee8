#include "kerf/apps/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

namespace kerf {

void add_model_options(CLI::App& command, ModelOptions& options) {
  const auto cuts = [&options](const std::string& /*value*/) { options.cut_given = true; };
  command.add_option("MODEL", options.model, "Hugging Face directory, or the name of a model that ships with kerf")
      ->required();
  command
      .add_option("--tensor-parallel-size,--tp", options.plan.tp,
                  "tensor-parallel ranks per stage; without --tp, --pp and --sp kerf chooses the cut")
      ->check(CLI::Range(1, 1024))
      ->each(cuts)
      ->capture_default_str();
  command.add_option("--pipeline-parallel-size,--pp", options.plan.pp, "pipeline stages")
      ->check(CLI::Range(1, 4096))
      ->each(cuts)
      ->capture_default_str();
  command
      .add_flag("--sequence-parallel,--sp", options.plan.sp,
                "split the residual stream over tokens: reduce-scatter and all-gather for each all-reduce")
      ->each(cuts);
  command.add_option("--pp-layers", options.plan.pp_layers, "layers of each stage, as in 3,5")->delimiter(',');
  command.add_option("--tp-weights", options.plan.tp_weights, "relative speed of the tp ranks, as in 3,1")
      ->delimiter(',');
  command.add_option("--machine", options.machine,
                     "machine file of kerf probe to plan by; default: the cached one, or $KERF_MACHINE");
  command.add_option("--hosts", options.hosts, "hosts and their slots, as in a:8,b:8");
  command.add_option("--threads", options.threads, "threads per rank; default: an even share of the cores")
      ->check(CLI::Range(1, 1024));
  command.add_option("--dtype", options.dtype, "auto, float32, bfloat16 or float16: of weights that are not quantised")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}))
      ->capture_default_str();
  command
      .add_option("--quantization", options.quantization,
                  "none, int8 or int4: quantise the weights while loading, by groups of 32 with a bf16 scale")
      ->check(CLI::IsMember({"none", "int8", "int4"}))
      ->capture_default_str();
  command
      .add_option("--kv-cache-dtype", options.kv_cache_dtype,
                  "auto, float32, bfloat16, float16 or int8: of the KV cache; auto is --dtype's")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16", "int8"}))
      ->capture_default_str();
  command.add_option("--max-model-len", options.max_model_len, "longest sequence; default: the model's")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24));
  command
      .add_option("--max-num-batched-tokens", options.max_num_batched_tokens,
                  "most tokens in one forward pass; longer prompts are computed in chunks")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command.add_option("--timeout", options.timeout_s, "seconds to wait for a rank before the job ends")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command.add_option("--trace", options.trace, "file for what every rank did when; open it in ui.perfetto.dev");
  command.add_flag("--json", options.json, "one JSON document on stdout");
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
  command
      .add_option("--memory-utilization,--gpu-memory-utilization", options.memory_utilization,
                  "part of the memory for weights, KV cache and scratch of all ranks on it")
      ->capture_default_str();
  command.add_option("--max-num-seqs", options.max_num_seqs, "most sequences at once")->capture_default_str();
  command.add_option("--block-size", options.block_size, "positions in a block of the KV cache")->capture_default_str();
  command
      .add_flag("--enable-prefix-caching,!--no-enable-prefix-caching", options.enable_prefix_caching,
                "keep the KV of prompts for others that begin alike")
      ->capture_default_str();
  command
      .add_option("--max-prompt-tokens-beside-decodes", options.max_prompt_tokens_beside_decodes,
                  "most prompt tokens in a forward pass in which other sequences decode; 0: as without them")
      ->capture_default_str();
}

Result<std::filesystem::path> find_model(const std::string& model) {
  std::error_code ignored;
  if (std::filesystem::exists(model, ignored)) return std::filesystem::path(model);
  if (model.find('/') == std::string::npos) {
    const char* own = std::getenv("KERF_MODELS");
    for (const std::filesystem::path& dir : {std::filesystem::path(own != nullptr ? own : ""),
                                             std::filesystem::path("models"), std::filesystem::path(KERF_MODELS_DIR)}) {
      if (!dir.empty() && std::filesystem::is_directory(dir / model, ignored)) return dir / model;
    }
  }
  return fail("{}: no such model directory, and no model of that name ships with kerf; give a Hugging Face directory",
              model);
}

Result<DType> choose_dtype(const ModelOptions& options, const ModelSpec& model) {
  if (options.dtype == "auto") return model.checkpoint_dtype;
  return dtype_from_name(options.dtype);
}

Result<DType> choose_kv_cache_dtype(const ModelOptions& options, DType dtype) {
  if (options.kv_cache_dtype == "auto") return dtype;
  if (options.kv_cache_dtype == "int8") return DType::kI8;
  return dtype_from_name(options.kv_cache_dtype);
}

Result<std::vector<int32_t>> parse_ids(const std::string& text) {
  std::vector<int32_t> ids;
  if (text.empty()) return fail("--prompt-ids is empty: give token ids such as 1,2,3");
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    int32_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0 || (next != end && *next != ',') || next + 1 == end) {
      return fail("--prompt-ids: '{}' is not a list of token ids such as 1,2,3", text);
    }
    ids.push_back(id);
    at = next == end ? end : next + 1;
  }
  return ids;
}

}  // namespace kerf
