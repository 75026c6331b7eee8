// The machine that kerf runs on: what nvidia-smi says where it is installed, else what hwloc sees.
#pragma once

#include "kerf/base/result.h"
#include "kerf/io/topology/hwloc_topology.h"

namespace kerf {

// A tool that fails, hangs (10 s) or prints what kerf cannot read is passed over.
[[nodiscard]] Result<HostTopology> read_this_machine();

}  // namespace kerf
