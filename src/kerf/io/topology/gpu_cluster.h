// A machine from a GPU's name and two counts: what is usually built of such GPUs, when nobody shows a topology.
#pragma once

#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/topology/machine_builder.h"

namespace kerf {

struct ClusterShape {
  std::string gpu = "H100-SXM";
  int gpus_per_node = 8;
  int nodes = 1;
  std::string network;  // a link of the catalogue between nodes; empty = the GPU's usual one
};

// Inside a node the GPU's fabric (NVSwitch, xGMI mesh, cube mesh) joins as many devices as one fabric can; cards and
// what fabrics leave apart go by PCIe: neighbours share a switch (PIX), a socket has up to four of them or half of the
// node (NODE), the rest crosses sockets (SYS). Several nodes get a network with a NIC per GPU (per node for TCP), and,
// where the fabric reaches beyond a node (NVL72), the fabric as a second one.
[[nodiscard]] Result<MachineSpec> gpu_cluster(const ClusterShape& shape);

// Adds `count` devices of one kind to the node, joined as above.
[[nodiscard]] Status add_gpus(MachineBuilder& builder, int node, const CatalogDevice& gpu, int count);

// Joins nodes by the fabric where it reaches beyond one of them, rack by rack. REQUIRES: nodes alike
[[nodiscard]] Status join_racks(MachineBuilder& builder, const CatalogDevice& gpu, int gpus_per_node,
                                const std::vector<int>& nodes);

}  // namespace kerf
