// From what ranks and hosts measured to a MachineSpec: a device for each rank's share of its host.
#pragma once

#include "kerf/apps/probe/collective_probe.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// The devices, links and networks that ranks found between themselves; their figures of collectives in `host`.
[[nodiscard]] MachineSpec machine_of_ranks(const CollectiveFigures& figures);

// A host whose ranks could not be started: a device per core, no links.
[[nodiscard]] MachineSpec machine_of_cores(int cores);

// Adds what compute_probe measured: the figures, the kind of the devices, the name.
// memory_bytes: of one host
void add_compute(MachineSpec& machine, HostFigures figures, double memory_bytes);

}  // namespace kerf
