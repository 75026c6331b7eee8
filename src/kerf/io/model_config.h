// Reads the facts of a model from a Hugging Face directory's config.json and generation_config.json.
#pragma once

#include <filesystem>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/spec/model_spec.h"

namespace kerf {

// config.json's text alone. Where it names no torch_dtype, checkpoint_dtype is float32, as in
// transformers. file_name begins every error message.
[[nodiscard]] Result<ModelSpec> parse_model_spec(std::string_view config_json, std::string_view file_name);

// config.json, then eos and bos ids from generation_config.json where that names them. Where no
// torch_dtype is named, the stored embedding's dtype is taken, if there are weights.
[[nodiscard]] Result<ModelSpec> load_model_spec(const std::filesystem::path& dir);

}  // namespace kerf
