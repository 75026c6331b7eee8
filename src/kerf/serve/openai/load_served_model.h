// A model directory as the API needs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

struct ServedModelOptions {
  std::filesystem::path dir;
  std::vector<std::string> names;  // --served-model-name; empty: the directory's
  std::string weights = "auto";    // what the weights are computed in, for the fingerprint: "bfloat16", "int4"
  int64_t vocab_size = 0;
  int64_t max_model_len = 0;
};

// Fails where the tokenizer, the chat template or generation_config.json does.
[[nodiscard]] Result<std::shared_ptr<const ServedModel>> load_served_model(ServedModelOptions options);

// Says which weights these are without reading them all: names, sizes and headers of the files, and samples of their
// bytes. Equal for equal weights wherever they lie, however they are cut. "fp_" and 16 hex digits.
[[nodiscard]] Result<std::string> weights_fingerprint(const std::filesystem::path& dir, const std::string& weights);

}  // namespace kerf
