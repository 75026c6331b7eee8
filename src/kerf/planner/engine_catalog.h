// Engines by name, from catalog/engines.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/engine_spec.h"

namespace kerf {

// name: "vllm", "sglang", "trtllm" (or "tensorrt-llm"), "fastertransformer", "lmdeploy", "kerf"; a release whose
// constants differ has its own name ("trtllm-0.20"). Case does not matter. An unknown name is refused with the list.
[[nodiscard]] Result<EngineSpec> find_engine(std::string_view name);

// All names, releases included, in the catalogue's order.
[[nodiscard]] Result<std::vector<std::string>> engine_names();

}  // namespace kerf
