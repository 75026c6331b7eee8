// What `rocm-smi --showtopo` prints: tables of weights, hops and link types between GPUs, and each GPU's NUMA node.
//
//   =============================== Link Type between two GPUs ===============================
//          GPU0         GPU1
//   GPU0   0            XGMI
//   GPU1   XGMI         0
//   ======================================= Numa Nodes =======================================
//   GPU[0]          : (Topology) Numa Node: 0
//
// XGMI at one hop is a bonded link of width 1, for rocm-smi does not count links. PCIE counts as PHB within a NUMA node
// and as SYS across them; without NUMA nodes the weights tell (KFD: 20 per PCIe link, 40 through one processor, more
// across sockets). A table that is cut short is refused with its line.
#pragma once

#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/topology/node_topology.h"

namespace kerf {

[[nodiscard]] Result<NodeTopology> parse_rocm_topology(std::string_view text, std::string_view where);

[[nodiscard]] bool is_rocm_topology(std::string_view text);

}  // namespace kerf
