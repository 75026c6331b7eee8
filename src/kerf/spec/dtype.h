// Element types and their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

enum class DType : uint8_t { kF32, kF16, kBF16, kI32, kU8, kI8 };

[[nodiscard]] constexpr size_t size_of(DType dtype) {
  return dtype == DType::kU8 || dtype == DType::kI8 ? 1 : dtype == DType::kF32 || dtype == DType::kI32 ? 4 : 2;
}

[[nodiscard]] constexpr bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// vLLM's and Hugging Face's long names: "float32", "float16", "bfloat16", "int32", "uint8", "int8".
[[nodiscard]] std::string_view name_of(DType dtype);

// Accepts the floats' long names, as in --dtype and config.json's torch_dtype.
[[nodiscard]] Result<DType> dtype_from_name(std::string_view name);

}  // namespace kerf
