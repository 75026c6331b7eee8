// The rotary position embedding as config.json states it.
#pragma once

#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/json.h"
#include "kerf/spec/model_spec.h"

namespace kerf {

// Reads `rope_scaling` + `rope_theta` of transformers 4 (`rope_type`, or `type` as it was called), or
// `rope_parameters` of transformers 5, which may hold one object per layer type.
//
// config: all of config.json. layer_type: "full_attention" or "sliding_attention".
[[nodiscard]] Result<RopeSpec> parse_rope(const JsonFields& config, std::string_view layer_type, double default_theta);

// How many positions the scaling was made for, at least max_positions: yarn's factor times the
// original number, even where max_position_embeddings still names a smaller one (Qwen3).
[[nodiscard]] int64_t scaled_positions(const RopeSpec& rope, int64_t max_positions);

}  // namespace kerf
