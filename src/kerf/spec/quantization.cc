#include "kerf/spec/quantization.h"

namespace kerf {

std::string_view name_of(Quantization quantization) {
  switch (quantization) {
    case Quantization::kInt8: return "int8";
    case Quantization::kInt4: return "int4";
    case Quantization::kNone: break;
  }
  return "none";
}

Result<Quantization> quantization_from_name(std::string_view name) {
  for (const Quantization one : {Quantization::kNone, Quantization::kInt8, Quantization::kInt4}) {
    if (name_of(one) == name) return one;
  }
  return fail("unknown quantization '{}': use none, int8 or int4", name);
}

}  // namespace kerf
