// HostFigures as JSON: the "host" object of a machine file (machine_json.h). Points are written as compact lists:
//
//   {"cpu": "…", "isa": "avx512", "cores": 2, "cache_bytes": …, "read_gb_per_s": […], "file_gb_per_s": …,
//    "collectives": [{"op": "all_reduce", "transport": "shm", "ranks": 2, "bytes": […], "us": […]}],
//    "matmul":      [{"format": "bf16", "threads": 2, "sliced": false, "inputs": 2048, "weight_mb": 8.4, "rows": […],
//    "gflops": […]}], "attention":   [{"format": "bf16", "group": 4, "head_dim": 64, "streamed": false, "context": […],
//    "us": […]}], "element_ns":  {"norm": 0.1, …}, "fork_us": […], "step_us": …, "spread": …}
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "kerf/io/json.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

[[nodiscard]] nlohmann::ordered_json host_to_json(const HostFigures& host);

// object: what `fields` reads. Unknown fields and lists of unequal lengths are refused.
[[nodiscard]] Result<HostFigures> read_host_figures(const JsonFields& fields, const nlohmann::json& object);

}  // namespace kerf
