#include "kerf/io/topology/machine_builder.h"

#include <algorithm>
#include <utility>

#include "kerf/io/topology/domains.h"

namespace kerf {

namespace {

template <typename Kind>
int index_of(const std::vector<Kind>& kinds, std::string_view name) {
  const auto found = std::ranges::find(kinds, name, &Kind::name);
  return found == kinds.end() ? -1 : static_cast<int>(found - kinds.begin());
}

}  // namespace

Result<int> MachineBuilder::link_kind(std::string_view name) {
  if (const int known = index_of(spec.link_kinds, name); known >= 0) return known;
  KERF_TRY(LinkKind kind, find_link(name));
  if (const int known = index_of(spec.link_kinds, kind.name); known >= 0) return known;  // by an alias
  spec.link_kinds.push_back(std::move(kind));
  return static_cast<int>(spec.link_kinds.size()) - 1;
}

int MachineBuilder::device_kind(const DeviceKind& kind) {
  if (const int known = index_of(spec.device_kinds, kind.name); known >= 0) return known;
  spec.device_kinds.push_back(kind);
  return static_cast<int>(spec.device_kinds.size()) - 1;
}

int MachineBuilder::add_node(std::string name) {
  spec.node_names.push_back(std::move(name));
  return spec.num_nodes() - 1;
}

Status MachineBuilder::append(const MachineSpec& machine, const std::string& name) {
  if (spec.num_devices() + machine.num_devices() > kMaxDevices ||
      spec.links.size() + machine.links.size() > kMaxLinks) {
    return fail("{}: more than {} devices or {} links in all", name, kMaxDevices, kMaxLinks);
  }
  const int node = spec.num_nodes();
  const int device = spec.num_devices();
  std::vector<int> links;
  for (const LinkKind& kind : machine.link_kinds) {
    int known = index_of(spec.link_kinds, kind.name);
    if (known < 0) {
      known = static_cast<int>(spec.link_kinds.size());
      spec.link_kinds.push_back(kind);
    }
    links.push_back(known);
  }
  for (const std::string& own : machine.node_names) {
    spec.node_names.push_back(name.empty() ? own : machine.num_nodes() == 1 ? name : name + "/" + own);
  }
  for (Device added : machine.devices) {
    added.kind = device_kind(machine.device_kinds[static_cast<size_t>(added.kind)]);
    added.node += node;
    spec.devices.push_back(std::move(added));
  }
  for (Link added : machine.links) {
    added.a += device;
    added.b += device;
    added.kind = links[static_cast<size_t>(added.kind)];
    spec.links.push_back(added);
  }
  for (Network added : machine.networks) {
    for (int& member : added.nodes) member += node;
    added.kind = links[static_cast<size_t>(added.kind)];
    spec.networks.push_back(std::move(added));
  }
  for (Nic added : machine.nics) {
    added.node += node;
    spec.nics.push_back(std::move(added));
  }
  for (const std::string& note : machine.notes) {
    if (std::ranges::find(spec.notes, note) == spec.notes.end()) spec.notes.push_back(note);
  }
  spec.basis = spec.num_nodes() == machine.num_nodes() ? machine.basis : std::max(spec.basis, machine.basis);
  if (machine.host != HostFigures{}) spec.host = machine.host;
  return Ok{};
}

void MachineBuilder::connect(int a, int b, int kind, int width) {
  const LinkKind& link = spec.link_kinds[static_cast<size_t>(kind)];
  const bool bonded = width > 0 && link.gb_per_s_each > 0;
  spec.links.push_back({.a = std::min(a, b),
                        .b = std::max(a, b),
                        .kind = kind,
                        .width = width,
                        .gb_per_s = bonded ? width * link.gb_per_s_each : link.gb_per_s,
                        .latency_us = link.latency_us});
}

void MachineBuilder::join(std::string name, int kind, NetworkPorts ports, std::vector<int> nodes) {
  const LinkKind& link = spec.link_kinds[static_cast<size_t>(kind)];
  std::vector<int> devices(spec.node_names.size());
  for (const Device& device : spec.devices) ++devices[static_cast<size_t>(device.node)];
  int fewest = kMaxDevicesPerNode;
  for (const int node : nodes) fewest = std::min(fewest, devices[static_cast<size_t>(node)]);
  spec.networks.push_back({.name = std::move(name),
                           .kind = kind,
                           .nodes = std::move(nodes),
                           .gb_per_s_node = ports == NetworkPorts::kPerNode ? link.gb_per_s : link.gb_per_s * fewest,
                           .gb_per_s_device = link.gb_per_s,
                           .latency_us = link.latency_us});
}

Status MachineBuilder::join_by(const std::string& link, std::vector<int> nodes) {
  KERF_TRY(const CatalogLink found, find_catalog_link(link));
  if (found.ports == NetworkPorts::kNone) {
    return fail(
        "'{}' is a link inside a machine; a network is needed between nodes, such as InfiniBand-NDR or RoCE-100G",
        found.kind.name);
  }
  KERF_TRY(const int kind, link_kind(found.kind.name));
  join(found.kind.name, kind, found.ports, std::move(nodes));
  Network& joined = spec.networks.back();
  int fewest = 0;  // network cards of the node that has the fewest
  for (const int node : joined.nodes) {
    const auto cards = static_cast<int>(std::ranges::count(spec.nics, node, &Nic::node));
    fewest = node == joined.nodes.front() ? cards : std::min(fewest, cards);
  }
  if (fewest > 0) joined.gb_per_s_node = fewest * found.kind.gb_per_s;
  return Ok{};
}

MachineSpec MachineBuilder::finish() && {
  if (spec.num_nodes() > 1) {
    for (Device& device : spec.devices) {
      device.name = spec.node_names[static_cast<size_t>(device.node)] + "/" + device.name;
    }
  }
  find_domains(spec);
  return std::move(spec);
}

}  // namespace kerf
