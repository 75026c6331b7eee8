// What joins the devices of a group, for messages and for telling a mistake from its neighbours.
#pragma once

#include <string>
#include <vector>

#include "kerf/spec/machine_spec.h"
#include "kerf/spec/plan.h"

namespace kerf {

// The worst link on the path that a group really uses (kerf/io/topology/group_links.h), with two devices to name it by.
struct WorstLink {
  std::string kind;  // "PCIe4-SYS", "NV4", "InfiniBand-NDR"
  int a = 0;
  int b = 0;
  double gb_per_s = 0;
  bool fast = false;     // fast fabric all the way
  bool network = false;  // it leaves the node
};

// The tp groups as engines form them: consecutive devices, in the order that they see them.
[[nodiscard]] std::vector<std::vector<int>> tp_groups_in_order(const Plan& plan);

[[nodiscard]] WorstLink worst_link(const MachineSpec& machine, const std::vector<int>& group);

// The slowest of the plan's tp groups; fast when tp is 1.
[[nodiscard]] WorstLink worst_tp_link(const MachineSpec& machine, const Plan& plan);

// The machine with these devices alone, in this order.
[[nodiscard]] MachineSpec sub_machine(const MachineSpec& machine, const std::vector<int>& devices);

}  // namespace kerf
