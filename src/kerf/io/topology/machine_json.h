// MachineSpec as JSON: what `kerf probe` writes, `kerf topo --json` prints and `--machine` reads.
//
//   {"kerf_machine": 1, "name": "…", "basis": "measured",
//    "device_kinds": [{"name": "H100-SXM", "memory_bytes": …, "memory_gb_per_s": …, …}],
//    "link_kinds":   [{"name": "NVLink4", "gb_per_s": 450, "latency_us": 0.6, "fast": true, …}],
//    "nodes":        ["node0", "node1"],
//    "devices":      [{"index": 0, "name": "GPU0", "kind": "H100-SXM", "node": 0, "numa": 0, "cpus": "0-31"}],
//    "links":        [{"a": 0, "b": 1, "kind": "NVLink4", "width": 18, "gb_per_s": 450, "latency_us": 0.6}],
//    "networks":     [{"name": "ib0", "kind": "InfiniBand-NDR", "nodes": [0, 1], "gb_per_s_node": 400, …}],
//    "nics":         [{"name": "mlx5_0", "node": 0, "paths": ["PIX", "SYS"]}],
//    "domains":      [[0, 1, …]], "domain_classes": ["switch"],
//    "host":         {"cpu": "…", "cores": 2, …},   (host_json.h)
//    "notes":        ["…"]}
//
// Fields are named as in spec/machine_spec.h; devices and nodes are meant by their place, kinds by name. Reading is
// strict: unknown fields, links between nodes, a pair twice and the like are refused in one sentence. Domains are not
// read but found again from the links, which are what counts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// REQUIRES: kinds have different names
[[nodiscard]] nlohmann::ordered_json machine_to_json(const MachineSpec& machine);

// where: the file, for messages.
[[nodiscard]] Result<MachineSpec> parse_machine_json(std::string_view text, std::string_view where);

[[nodiscard]] std::string_view name_of(Basis basis);

}  // namespace kerf
