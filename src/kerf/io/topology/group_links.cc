#include "kerf/io/topology/group_links.h"

#include <algorithm>
#include <functional>
#include <set>

#include "kerf/base/check.h"
#include "kerf/io/topology/rings.h"

namespace kerf {

namespace {

constexpr double kTolerance = 1.001;  // of sums of bandwidths

bool worse(const GroupLink& a, const GroupLink& b) {
  return a.gb_per_s != b.gb_per_s ? a.gb_per_s < b.gb_per_s : a.latency_us > b.latency_us;
}

}  // namespace

GroupLinks::GroupLinks(const MachineSpec& machine)
    : kinds_(machine.link_kinds),
      networks_(machine.networks),
      domain_of_(machine.devices.size()),
      size_of_(machine.node_names.size()),
      pattern_of_(machine.node_names.size()) {
  for (const Device& device : machine.devices) {
    node_of_.push_back(device.node);
    place_of_.push_back(size_of_[static_cast<size_t>(device.node)]++);
  }
  for (size_t domain = 0; domain < machine.domains.size(); ++domain) {
    for (const int device : machine.domains[domain]) domain_of_[static_cast<size_t>(device)] = static_cast<int>(domain);
  }
  for (const Network& network : networks_) {
    auto& members = on_network_.emplace_back(machine.node_names.size());
    for (const int node : network.nodes) members[static_cast<size_t>(node)] = true;
  }
  std::vector<Pattern> nodes(machine.node_names.size());
  for (size_t node = 0; node < nodes.size(); ++node) {
    nodes[node].size = static_cast<size_t>(size_of_[node]);
    nodes[node].edges.resize(nodes[node].size * nodes[node].size);
  }
  for (const Link& link : machine.links) {
    Pattern& node = nodes[static_cast<size_t>(node_of_[static_cast<size_t>(link.a)])];
    const auto a = static_cast<size_t>(place_of_[static_cast<size_t>(link.a)]);
    const auto b = static_cast<size_t>(place_of_[static_cast<size_t>(link.b)]);
    const Edge edge{link.kind, link.width, link.gb_per_s, link.latency_us};
    node.edges[a * node.size + b] = edge;
    node.edges[b * node.size + a] = edge;
  }
  for (size_t node = 0; node < nodes.size(); ++node) {
    const auto known = std::ranges::find_if(patterns_, [&](const Pattern& pattern) {
      return pattern.size == nodes[node].size && pattern.edges == nodes[node].edges;
    });
    pattern_of_[node] = static_cast<int>(known - patterns_.begin());
    if (known == patterns_.end()) patterns_.push_back(std::move(nodes[node]));
  }
  for (Pattern& pattern : patterns_) {
    for (size_t a = 0; a < pattern.size; ++a) {
      double sum = 0;  // of this device's bonded links, over what it has
      for (size_t b = 0; b < pattern.size; ++b) {
        const Edge& edge = pattern.edges[a * pattern.size + b];
        pattern.uniform = pattern.uniform && (a == b || edge == pattern.edges[1]);
        if (edge.width > 0) sum += edge.gb_per_s / kinds_[static_cast<size_t>(edge.kind)].gb_per_s;
      }
      pattern.switched = pattern.switched || sum > kTolerance;
    }
  }
}

// All members joined to each other by the same kind of edge.
GroupLink GroupLinks::alike(const Pattern& pattern, const Edge& edge, size_t members) const {
  GroupLink link{.kind = edge.kind,
                 .width = edge.width,
                 .gb_per_s = edge.gb_per_s,
                 .latency_us = edge.latency_us,
                 .fast = edge.kind >= 0 && is_fast(edge.kind),
                 .any_two = true};
  // Links of one's own to each of the others all carry a share.
  if (edge.width > 0 && !pattern.switched) link.gb_per_s *= static_cast<double>(members - 1);
  return link;
}

GroupLink GroupLinks::search(const Pattern& pattern, const std::vector<int>& places) const {
  const size_t size = places.size();
  Matrix edges(size * size);
  std::set<double, std::greater<>> bandwidths;
  for (size_t a = 0; a < size; ++a) {
    for (size_t b = 0; b < size; ++b) {
      if (a == b) continue;
      edges[a * size + b] = pattern.at(places[a], places[b]);
      bandwidths.insert(edges[a * size + b].gb_per_s);
    }
  }
  bandwidths.erase(0.0);
  GroupLink link{.fast = true};
  std::vector<size_t> ring;
  for (const double least : bandwidths) {
    ring = find_ring(size, [&](size_t a, size_t b) { return edges[a * size + b].gb_per_s >= least; });
    if (!ring.empty()) break;
  }
  if (ring.empty()) return {};
  for (size_t i = 0; i < size; ++i) {
    const Edge& edge = edges[ring[i] * size + ring[(i + 1) % size]];
    if (link.kind < 0 || edge.gb_per_s < link.gb_per_s) {
      link.kind = edge.kind;
      link.width = edge.width;
      link.gb_per_s = edge.gb_per_s;
    }
    link.latency_us = std::max(link.latency_us, edge.latency_us);
    link.fast = link.fast && is_fast(edge.kind);
  }
  if (link.width == 0 || pattern.switched) return link;
  // Bonded links: as many rings beside each other as there are links for, each used both ways round.
  double total = 0;
  const double each = link.gb_per_s / link.width;
  while (!ring.empty()) {
    const auto edge_at = [&](size_t i) -> Edge& { return edges[ring[i] * size + ring[(i + 1) % size]]; };
    int width = edge_at(0).width;
    for (size_t i = 0; i < size; ++i) width = std::min(width, edge_at(i).width);
    total += 2 * width * each;
    for (size_t i = 0; i < size; ++i) {
      edge_at(i).width -= width;
      edges[ring[(i + 1) % size] * size + ring[i]].width = edge_at(i).width;
    }
    ring = find_ring(size, [&](size_t a, size_t b) { return edges[a * size + b].width > 0; });
  }
  link.gb_per_s = total;
  return link;
}

GroupLink GroupLinks::within_node(int pattern_index, const std::vector<int>& places) const {
  const Pattern& pattern = patterns_[static_cast<size_t>(pattern_index)];
  const Edge& first = pattern.at(places[0], places[1]);
  bool same = pattern.uniform;
  if (!same) {
    same = true;
    for (size_t a = 0; a < places.size() && same; ++a) {
      for (size_t b = a + 1; b < places.size() && same; ++b) same = pattern.at(places[a], places[b]) == first;
    }
  }
  if (same) return first.kind < 0 ? GroupLink{} : alike(pattern, first, places.size());
  const std::pair key(pattern_index, places);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = searched_.find(key); known != searched_.end()) return known->second;
  }
  const GroupLink link = search(pattern, places);
  const std::lock_guard lock(mutex_);
  searched_.emplace(key, link);
  return link;
}

// The best network that all the nodes have in common.
GroupLink GroupLinks::network_link(const std::map<int, std::vector<int>>& places, bool shared) const {
  GroupLink best;
  for (size_t i = 0; i < networks_.size(); ++i) {
    const Network& network = networks_[i];
    const auto has = [&](const auto& part) { return on_network_[i][static_cast<size_t>(part.first)]; };
    if (!std::ranges::all_of(places, has)) continue;
    const bool fast = is_fast(network.kind);
    double gb_per_s = 0;
    for (const auto& [node, members] : places) {
      const auto count = static_cast<double>(members.size());
      // Rings leave a node by as many cards as the group has devices there; a fabric's port is the device's own.
      const double share = shared ? count / size_of_[static_cast<size_t>(node)] : 1;
      const double part =
          fast ? network.gb_per_s_device : std::min(count * network.gb_per_s_device, share * network.gb_per_s_node);
      gb_per_s = gb_per_s == 0 ? part : std::min(gb_per_s, part);
    }
    const bool singles = std::ranges::all_of(places, [](const auto& part) { return part.second.size() == 1; });
    const GroupLink link{.kind = network.kind,
                         .gb_per_s = gb_per_s,
                         .latency_us = network.latency_us,
                         .fast = fast,
                         .any_two = fast || singles,
                         .nodes = static_cast<int>(places.size())};
    if (best.kind < 0 || worse(best, link)) best = link;
  }
  return best;
}

GroupLink GroupLinks::link_of(std::span<const int> devices, bool shared) const {
  if (devices.size() < 2) return {};
  std::map<int, std::vector<int>> places;  // by node
  for (const int device : devices) {
    places[node_of_[static_cast<size_t>(device)]].push_back(place_of_[static_cast<size_t>(device)]);
  }
  GroupLink link;
  if (places.size() > 1) {
    link = network_link(places, shared);
    if (link.kind < 0) return {.nodes = static_cast<int>(places.size())};
  }
  for (auto& [node, members] : places) {
    if (members.size() < 2) continue;
    std::ranges::sort(members);
    GroupLink inside = within_node(pattern_of_[static_cast<size_t>(node)], members);
    inside.nodes = static_cast<int>(places.size());
    if (inside.kind < 0) return inside;
    const bool fast = inside.fast && (link.kind < 0 || link.fast);
    const bool any_two = inside.any_two && (link.kind < 0 || link.any_two);
    const double latency_us = std::max(inside.latency_us, link.latency_us);
    if (link.kind < 0 || worse(inside, link)) link = inside;
    link.fast = fast;
    link.any_two = any_two;
    link.latency_us = latency_us;
  }
  return link;
}

GroupLevels GroupLinks::levels_of(std::span<const int> devices, bool shared) const {
  std::map<int, std::vector<int>> parts;  // by domain, or by node where no domain holds two
  for (const int device : devices) parts[domain_of_[static_cast<size_t>(device)]].push_back(device);
  if (parts.size() == devices.size()) {
    parts.clear();
    for (const int device : devices) parts[node_of_[static_cast<size_t>(device)]].push_back(device);
  }
  GroupLevels levels{
      .parts = static_cast<int>(parts.size()), .smallest_part = static_cast<int>(devices.size()), .largest_part = 0};
  for (const auto& [key, members] : parts) {
    const auto size = static_cast<int>(members.size());
    levels.smallest_part = std::min(levels.smallest_part, size);
    levels.largest_part = std::max(levels.largest_part, size);
    if (size < 2) continue;
    const GroupLink link = link_of(members, shared);
    if (levels.inner.kind < 0 || worse(link, levels.inner)) levels.inner = link;
  }
  if (parts.size() > 1) levels.outer = link_of(devices, shared);
  return levels;
}

GroupLink GroupLinks::of(std::span<const int> devices) const { return link_of(devices, false); }

GroupLevels GroupLinks::levels(std::span<const int> devices) const { return levels_of(devices, false); }

GroupLevels GroupLinks::worst_levels_of_partition(int total, int count, int stride) const {
  KERF_CHECK(count > 0 && stride > 0 && total % (count * stride) == 0 && total <= static_cast<int>(node_of_.size()),
             "a partition of the devices");
  const std::array key{total, count, stride};
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = partitions_.find(key); known != partitions_.end()) return known->second;
  }
  GroupLevels worst;
  const auto whole = [](const GroupLevels& levels) { return levels.parts > 1 ? levels.outer : levels.inner; };
  std::vector<int> devices(static_cast<size_t>(count));
  for (int block = 0; block < total; block += count * stride) {
    for (int offset = 0; offset < stride; ++offset) {
      for (int i = 0; i < count; ++i) devices[static_cast<size_t>(i)] = block + offset + i * stride;
      const GroupLevels levels = levels_of(devices, true);
      if ((block == 0 && offset == 0) || worse(whole(levels), whole(worst))) worst = levels;
    }
  }
  const std::lock_guard lock(mutex_);
  partitions_.emplace(key, worst);
  return worst;
}

GroupLink GroupLinks::worst_of_partition(int total, int count, int stride) const {
  const GroupLevels levels = worst_levels_of_partition(total, count, stride);
  return levels.parts > 1 ? levels.outer : levels.inner;
}

GroupLink group_link(const MachineSpec& machine, std::span<const int> devices) {
  return GroupLinks(machine).of(devices);
}

}  // namespace kerf
