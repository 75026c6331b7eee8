#include "kerf/planner/lint_links.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kerf/io/topology/group_links.h"

namespace kerf {

namespace {

// Two members that a link of this kind joins directly; of different nodes where it is a network.
std::pair<int, int> ends_of(const MachineSpec& machine, const std::vector<int>& group, const GroupLink& link) {
  const auto member = [&](int device) { return std::find(group.begin(), group.end(), device) != group.end(); };
  if (link.nodes == 1) {
    for (const Link& one : machine.links) {
      if (one.kind == link.kind && member(one.a) && member(one.b)) return {one.a, one.b};
    }
  }
  for (const int device : group) {
    if (machine.devices[static_cast<size_t>(device)].node != machine.devices[static_cast<size_t>(group[0])].node) {
      return {group[0], device};
    }
  }
  return {group.front(), group.back()};
}

WorstLink worst_link_of(const GroupLinks& links, const MachineSpec& machine, const std::vector<int>& group) {
  const GroupLink link = links.of(group);
  const auto [a, b] = ends_of(machine, group, link);
  return {.kind = link.kind < 0 ? "no known link" : machine.link_kinds[static_cast<size_t>(link.kind)].name,
          .a = a,
          .b = b,
          .gb_per_s = link.gb_per_s,
          .fast = link.fast || group.size() == 1,
          .network = link.nodes > 1};
}

}  // namespace

std::vector<std::vector<int>> tp_groups_in_order(const Plan& plan) {
  std::vector<std::vector<int>> groups(static_cast<size_t>(plan.pp) * static_cast<size_t>(plan.dp));
  int device = 0;
  for (std::vector<int>& group : groups) {
    for (int rank = 0; rank < plan.tp; ++rank) group.push_back(device++);
  }
  return groups;
}

WorstLink worst_link(const MachineSpec& machine, const std::vector<int>& group) {
  return worst_link_of(GroupLinks(machine), machine, group);
}

WorstLink worst_tp_link(const MachineSpec& machine, const Plan& plan) {
  WorstLink worst{.gb_per_s = std::numeric_limits<double>::infinity(), .fast = true};
  if (plan.tp == 1) return worst;
  const GroupLinks links(machine);
  for (const std::vector<int>& group : tp_groups_in_order(plan)) {
    if (group.back() >= machine.num_devices()) break;
    const WorstLink link = worst_link_of(links, machine, group);
    if (!link.fast && (worst.fast || link.gb_per_s < worst.gb_per_s)) worst = link;
  }
  return worst;
}

MachineSpec sub_machine(const MachineSpec& machine, const std::vector<int>& devices) {
  MachineSpec part = machine;
  part.devices.clear();
  part.links.clear();
  part.domains.clear();
  std::vector<int> place(machine.devices.size(), -1);
  for (const int device : devices) {
    if (device < 0 || device >= machine.num_devices() || place[static_cast<size_t>(device)] >= 0) continue;
    place[static_cast<size_t>(device)] = static_cast<int>(part.devices.size());
    part.devices.push_back(machine.devices[static_cast<size_t>(device)]);
  }
  for (Link link : machine.links) {
    link.a = place[static_cast<size_t>(link.a)];
    link.b = place[static_cast<size_t>(link.b)];
    if (link.a < 0 || link.b < 0) continue;
    if (link.a > link.b) std::swap(link.a, link.b);
    part.links.push_back(link);
  }
  for (const std::vector<int>& domain : machine.domains) {
    std::vector<int> kept;
    for (const int device : domain) {
      if (place[static_cast<size_t>(device)] >= 0) kept.push_back(place[static_cast<size_t>(device)]);
    }
    std::sort(kept.begin(), kept.end());
    if (!kept.empty()) part.domains.push_back(std::move(kept));
  }
  std::stable_sort(part.domains.begin(), part.domains.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return part;
}

}  // namespace kerf
