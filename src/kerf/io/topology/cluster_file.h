// A cluster in YAML: nodes, joined by named links.
//
//   name: lab
//   nodes:
//     - name: dgx              # with count 2: dgx0 and dgx1; `dgx` below means both
//       count: 2
//       gpu: H100-SXM          # as in catalog/gpus.json, with the links that are usual for it
//       gpus: 8
//     - name: old
//       topo: old.txt          # or what nvidia-smi, rocm-smi, hwloc or kerf probe wrote; relative to this file
//       gpu: V100-32G-SXM      # where that does not say
//   networks:
//     - name: ib0
//       kind: InfiniBand-NDR   # as in catalog/links.json, or a name of one's own with gb_per_s and latency_us
//       nodes: [dgx]           # default: all
//       ports: 8               # per node; default: the cards that the topology shows, else what is usual
//     - name: lan
//       kind: office-ethernet
//       gb_per_s: 1.1          # per port and direction
//       latency_us: 45         # one way
//
// A network of a fast kind (NVLink5 over the trays of an NVL72, or `fast: true`) makes one domain of its nodes. Two
// nodes that no chain of networks joins are an error. Unknown fields are refused.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// Reads the file of a node's `topo`; gpu as in ReadMachineOptions.
using ReadNode = std::function<Result<MachineSpec>(const std::filesystem::path& path, const std::string& gpu)>;

[[nodiscard]] Result<MachineSpec> parse_cluster_file(std::string_view text, std::string_view where,
                                                     const std::filesystem::path& directory, const ReadNode& read_node);

}  // namespace kerf
