// A model that kerf runs, as the planner sees it: stored as it will be computed with.
#pragma once

#include <optional>

#include "kerf/spec/dtype.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/quantization.h"

namespace kerf {

// dtype: of weights, whatever the checkpoint has. quantization: of the layers' matrices. kv_dtype: none = dtype
[[nodiscard]] ModelShape shape_of(const ModelSpec& model, DType dtype, Quantization quantization = Quantization::kNone,
                                  std::optional<DType> kv_dtype = std::nullopt);

}  // namespace kerf
