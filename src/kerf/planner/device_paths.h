// Which wires the groups of a plan use: the worst among those that the plan occupies.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "kerf/io/topology/group_links.h"
#include "kerf/planner/collectives.h"
#include "kerf/planner/fabrics.h"
#include "kerf/planner/placement.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/plan.h"

namespace kerf {

// Threading: every method may be called from several threads.
class DevicePaths {
 public:
  // Keeps a reference to the machine and a copy of the catalogue.
  DevicePaths(const MachineSpec& machine, FabricCatalog catalog);

  // Whether the machine has room for the plan's ranks.
  [[nodiscard]] bool room(const Plan& plan) const;
  // The worst TP group. REQUIRES: room(plan)
  [[nodiscard]] const Group& tp_group(const Plan& plan) const;
  // The tp · dp ranks of one stage, over which experts are spread. REQUIRES: room(plan)
  [[nodiscard]] const Group& expert_group(const Plan& plan) const;
  // The worst hop between neighbouring stages. REQUIRES: room(plan)
  [[nodiscard]] const Wire& hop(const Plan& plan) const;
  // Index of MachineSpec::device_kinds: the slowest that any replica uses for the stage. REQUIRES: room(plan)
  [[nodiscard]] int device_kind(const Plan& plan, int stage) const;

 private:
  // What groups of one size have, best first.
  struct Sized {
    std::once_flag once;
    int count = 0;
    std::vector<Group> worst;  // [count] of the first i + 1 groups
    std::vector<Wire> hops;    // [stages - 1] the worst hop when replicas have that many stages
    std::vector<int> kinds;    // [count] of each group: its slowest device
  };

  [[nodiscard]] const Sized& sized(int tp) const;
  void fill(int tp, Sized& sized) const;
  [[nodiscard]] Group group_of(const std::vector<int>& devices) const;
  [[nodiscard]] Wire wire_of(const GroupLink& link) const;
  [[nodiscard]] Wire hop_between(int a, int b, int senders) const;
  [[nodiscard]] const Link* link(int a, int b) const;
  [[nodiscard]] const Network* network(int a, int b) const;
  [[nodiscard]] Wire network_wire(const Network& network, int senders) const;
  [[nodiscard]] int slowest_kind(const std::vector<int>& devices) const;

  const MachineSpec& machine_;
  FabricCatalog catalog_;
  mutable Placer placer_;
  GroupLinks links_;
  mutable std::mutex placer_mutex_;
  mutable std::vector<Sized> sized_;      // [devices + 1]
  std::vector<int> node_first_;           // [nodes] the first device
  std::vector<std::vector<int>> pairs_;   // [nodes][n * n] index of MachineSpec::links; -1 = none
  std::vector<std::vector<char>> joins_;  // [networks][nodes]
};

}  // namespace kerf
