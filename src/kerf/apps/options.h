// What the subcommands share on the command line: the model, how to cut it, what to compute with.
// Long names are vLLM's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/engine_options.h"
#include "kerf/spec/dtype.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/plan.h"

namespace CLI {
class App;
}

namespace kerf {

struct ModelOptions {
  std::string model;                    // a Hugging Face directory, or the name of a model that ships with kerf
  std::string dtype = "auto";           // auto | float32 | bfloat16 | float16
  std::string quantization = "none";    // none | int8 | int4
  std::string kv_cache_dtype = "auto";  // auto | float32 | bfloat16 | float16 | int8
  Plan plan;
  bool cut_given = false;                // the command line says how to cut
  std::string machine;                   // file of kerf probe; empty = the cached one
  std::string hosts;                     // "a:8,b:8", empty = this one
  int threads = 0;                       // per rank; 0 = an even share of this host's cores
  int64_t max_model_len = 0;             // 0 = the model's
  int64_t max_num_batched_tokens = 512;  // tokens of one forward pass: the prefill chunk
  double timeout_s = 60;                 // longest wait for a peer
  std::string trace;                     // file for what every rank did when; empty = none
  bool json = false;
};

void add_model_options(CLI::App& command, ModelOptions& options);

// A server's own: all but what ModelOptions has.
void add_engine_options(CLI::App& command, EngineOptions& options);

// A directory as it is; otherwise a name under $KERF_MODELS, ./models or the source tree's models/.
[[nodiscard]] Result<std::filesystem::path> find_model(const std::string& model);

// --dtype, where auto is the checkpoint's own.
[[nodiscard]] Result<DType> choose_dtype(const ModelOptions& options, const ModelSpec& model);

// --kv-cache-dtype, where auto is `dtype`.
[[nodiscard]] Result<DType> choose_kv_cache_dtype(const ModelOptions& options, DType dtype);

// "1,2,3" → ids.
[[nodiscard]] Result<std::vector<int32_t>> parse_ids(const std::string& text);

}  // namespace kerf
