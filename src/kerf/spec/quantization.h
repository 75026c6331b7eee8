// Quantization: how the linears' weights are quantised while loading.
#pragma once

#include <cstdint>
#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

// kInt8, kInt4: integers by group of 32 along K with a bf16 scale (kernels/kernels.h). The output head takes int8 in
// both, as files of llama.cpp's Q4_0 keep it in more bits; the embedding stays as it is stored: a row of it is
// all that a token reads.
enum class Quantization : uint8_t { kNone, kInt8, kInt4 };

// As in --quantization: "none", "int8", "int4".
[[nodiscard]] std::string_view name_of(Quantization quantization);
[[nodiscard]] Result<Quantization> quantization_from_name(std::string_view name);

}  // namespace kerf
