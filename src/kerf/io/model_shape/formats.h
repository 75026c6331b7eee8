// Weight formats by the names that engines, tools and checkpoints give them.
#pragma once

#include <optional>
#include <string_view>

#include "kerf/spec/model_shape.h"

namespace kerf {

// "fp8", "awq", "gptq-g64", "nvfp4", …; "modelopt_fp4" and others are read as vLLM and ModelOpt mean them.
// nullopt when unknown. "mxfp4" is what experts get; see apply_quantization().
[[nodiscard]] std::optional<StorageFormat> storage_format(std::string_view name);

// bits: 4 or 8. Packed along the outputs, a scale of 16 bits and a zero point of `bits` for each group of inputs.
[[nodiscard]] StorageFormat grouped_integers(std::string_view name, int64_t bits, int64_t group);

// Everything that quantisation converts: attention, MLPs, experts.
void set_linear_formats(ModelShape& shape, const StorageFormat& format);
// Every part, and `plain_bits`.
void set_all_formats(ModelShape& shape, const StorageFormat& format);

}  // namespace kerf
