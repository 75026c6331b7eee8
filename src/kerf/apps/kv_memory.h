// What a rank's memory is used for beside the KV cache, and what a block of that takes.
#pragma once

#include <cstdint>

#include "kerf/spec/dtype.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/plan.h"
#include "kerf/spec/quantization.h"

namespace kerf {

// Of the fullest rank of the stage, as the planner's memory model counts them. REQUIRES: check_plan(model, plan)
[[nodiscard]] int64_t weight_bytes_of_rank(const ModelSpec& model, DType dtype, Quantization quantization,
                                           const Plan& plan, int stage);

// Keys and values of kBlock positions in the rank's layers, for its KV heads. REQUIRES: check_plan(model, plan)
[[nodiscard]] int64_t kv_block_bytes(const ModelSpec& model, const Plan& plan, int stage, int tp_rank,
                                     DType kv_cache_dtype);

}  // namespace kerf
