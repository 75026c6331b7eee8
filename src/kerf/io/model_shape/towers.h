// What stands beside the language model: towers for images and sound, and prediction layers.
#pragma once

#include <nlohmann/json.hpp>

#include "kerf/base/result.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// Counts the vision tower where its parameters are known (SigLIP), and notes what params() leaves out.
// config: the whole config.json.
[[nodiscard]] Status read_towers(const nlohmann::json& config, std::string_view where, ModelShape& shape);

}  // namespace kerf
