// How a checkpoint's weights are quantised, from config.json's quantization_config (or MLX's quantization) and from
// ModelOpt's hf_quant_config.json.
#pragma once

#include "kerf/base/result.h"
#include "kerf/io/json.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// Sets the formats of the shape's parts and kv_bits; nothing to do where the checkpoint isn't quantised. Lists of
// modules that are left out, and modules with a format of their own, are counted by the part they belong to: a part
// that is stored in several formats gets the name and grouping of the one with the most parameters, and the mean bits.
// modelopt: hf_quant_config.json, or nullptr. REQUIRES: shape's layers are filled in
[[nodiscard]] Status read_quantization(const JsonFields& config, const JsonFields* modelopt, ModelShape& shape);

}  // namespace kerf
