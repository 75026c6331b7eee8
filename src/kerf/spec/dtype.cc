#include "kerf/spec/dtype.h"

namespace kerf {

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32: return "float32";
    case DType::kF16: return "float16";
    case DType::kBF16: return "bfloat16";
    case DType::kI32: return "int32";
    case DType::kU8: return "uint8";
    case DType::kI8: return "int8";
  }
  KERF_CHECK(false, "unnamed dtype");
}

Result<DType> dtype_from_name(std::string_view name) {
  if (name == "float32") return DType::kF32;
  if (name == "float16") return DType::kF16;
  if (name == "bfloat16") return DType::kBF16;
  return fail("unknown dtype '{}'; use float32, float16 or bfloat16", name);
}

}  // namespace kerf
