#include "kerf/io/topology/domains.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace kerf {

namespace {

class UnionFind {
 public:
  explicit UnionFind(int size) : parent_(static_cast<size_t>(size)) { std::iota(parent_.begin(), parent_.end(), 0); }
  int root(int item) {
    while (parent(item) != item) {
      parent(item) = parent(parent(item));
      item = parent(item);
    }
    return item;
  }
  // The lesser root stays, so a component is named by its first device.
  void join(int a, int b) {
    a = root(a);
    b = root(b);
    parent(std::max(a, b)) = std::min(a, b);
  }

 private:
  int& parent(int item) { return parent_[static_cast<size_t>(item)]; }
  std::vector<int> parent_;
};

bool is_fast(const MachineSpec& machine, int kind) { return machine.link_kinds[static_cast<size_t>(kind)].fast; }

// A fast network joins all devices of its nodes.
void join_networks(const MachineSpec& machine, UnionFind& components) {
  for (const Network& network : machine.networks) {
    if (!is_fast(machine, network.kind)) continue;
    std::vector<bool> member(machine.node_names.size());
    for (const int node : network.nodes) member[static_cast<size_t>(node)] = true;
    int first = -1;
    for (int device = 0; device < machine.num_devices(); ++device) {
      if (!member[static_cast<size_t>(machine.devices[static_cast<size_t>(device)].node)]) continue;
      if (first < 0) first = device;
      components.join(first, device);
    }
  }
}

}  // namespace

void find_domains(MachineSpec& machine) {
  UnionFind components(machine.num_devices());
  for (const Link& link : machine.links) {
    if (is_fast(machine, link.kind)) components.join(link.a, link.b);
  }
  join_networks(machine, components);
  std::map<int, std::vector<int>> by_root;
  for (int device = 0; device < machine.num_devices(); ++device) by_root[components.root(device)].push_back(device);
  machine.domains.clear();
  for (auto& [root, devices] : by_root) machine.domains.push_back(std::move(devices));
  std::ranges::stable_sort(machine.domains, std::greater{}, &std::vector<int>::size);
}

DomainClass classify_domain(const MachineSpec& machine, const std::vector<int>& domain) {
  if (domain.size() < 2) return DomainClass::kSingle;
  const auto node_of = [&](int device) { return machine.devices[static_cast<size_t>(device)].node; };
  if (!std::ranges::all_of(domain, [&](int device) { return node_of(device) == node_of(domain[0]); })) {
    return DomainClass::kRack;
  }
  if (domain.size() == 2) return DomainClass::kPair;
  size_t pairs = 0;
  double most = 0;  // of one device: bandwidth of its links added up, over what the device has in all
  std::map<int, double> sum;
  for (const Link& link : machine.links) {
    const LinkKind& kind = machine.link_kinds[static_cast<size_t>(link.kind)];
    if (!kind.fast || !std::ranges::binary_search(domain, link.a)) continue;
    ++pairs;
    for (const int end : {link.a, link.b}) most = std::max(most, (sum[end] += link.gb_per_s) / kind.gb_per_s);
  }
  if (pairs < domain.size() * (domain.size() - 1) / 2) return DomainClass::kCubeMesh;
  // Links of one's own share what a device has; behind a switch every pair shows the whole.
  return most > 1.001 ? DomainClass::kSwitch : DomainClass::kMesh;
}

std::string_view name_of(DomainClass domain_class) {
  switch (domain_class) {
    case DomainClass::kSingle: return "single";
    case DomainClass::kPair: return "pair";
    case DomainClass::kSwitch: return "switch";
    case DomainClass::kMesh: return "mesh";
    case DomainClass::kCubeMesh: return "cube mesh";
    case DomainClass::kRack: return "rack";
  }
  return "";
}

}  // namespace kerf
