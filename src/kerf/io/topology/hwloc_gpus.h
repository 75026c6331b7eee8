// The GPUs that hwloc shows, and the paths between them.
#pragma once

#include <hwloc.h>

#include <string>

#include "kerf/base/result.h"
#include "kerf/io/topology/node_topology.h"

namespace kerf {

// No GPUs: an empty topology. gpu: what they are where hwloc does not say; needed to count NVLinks from bandwidths.
[[nodiscard]] Result<NodeTopology> gpus_of(hwloc_topology_t topology, const std::string& gpu);

}  // namespace kerf
