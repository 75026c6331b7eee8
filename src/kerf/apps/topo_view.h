// A machine as `kerf topo` shows it: tables of devices and links, domains with what they are good for, and a tree.
#pragma once

#include <string>
#include <vector>

#include "kerf/spec/machine_spec.h"

namespace kerf {

// tree: lines that hwloc gave for the running machine; empty = nodes, NUMA nodes and devices are drawn.
[[nodiscard]] std::string draw_machine(const MachineSpec& machine, const std::vector<std::string>& tree = {});

// "0-3,8" of ascending numbers.
[[nodiscard]] std::string ranges_of(const std::vector<int>& numbers);

}  // namespace kerf
