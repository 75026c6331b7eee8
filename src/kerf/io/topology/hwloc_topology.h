// What hwloc knows of a machine: this one, or one that was exported (lstopo machine.xml, hwloc 2 or 3).
//
// With GPUs (found by NVML, CUDA, ROCm SMI or OpenCL where hwloc's plugins were there, otherwise by their PCI class),
// these are the devices, joined by NVLink or xGMI as hwloc's bandwidth matrices say and else by the PCI tree. Without,
// each NUMA node that has cores is a device of kind "cpu", joined by shared memory. HWLOC_FSROOT and HWLOC_XMLFILE
// work as everywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

struct HostTopology {
  MachineSpec machine;
  std::vector<std::string> tree;  // lines: packages, NUMA nodes, caches, cores, GPUs; indented by two blanks a level
};

[[nodiscard]] Result<HostTopology> read_this_host();

// gpu: what its GPUs are, where the export does not say. where: the file, for messages.
[[nodiscard]] Result<HostTopology> parse_hwloc_xml(std::string_view text, std::string_view where,
                                                   const std::string& gpu = "");

}  // namespace kerf
