#include "kerf/planner/placement.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace kerf {

namespace {

double bandwidth(const MachineSpec& machine, int device) {
  const int kind = machine.devices[static_cast<size_t>(device)].kind;
  return machine.device_kinds[static_cast<size_t>(kind)].memory_gb_per_s;
}

// Takes as many groups of `tp` as `devices` holds off its front, and leaves the rest.
void take_groups(std::vector<int>& devices, int tp, Closeness closeness, std::vector<TpGroup>& groups) {
  const auto size = static_cast<std::ptrdiff_t>(tp);
  auto at = devices.begin();
  for (; devices.end() - at >= size; at += size) groups.push_back({.devices = {at, at + size}, .closeness = closeness});
  devices.erase(devices.begin(), at);
}

// Puts what is left of neighbouring pools that share key(device) into one pool.
template <typename Key>
std::vector<std::vector<int>> merge(std::vector<std::vector<int>> pools, const Key& key) {
  std::vector<std::vector<int>> merged;
  std::map<decltype(key(0)), size_t> index;
  for (const std::vector<int>& pool : pools) {
    for (const int device : pool) {
      const auto [at, is_new] = index.try_emplace(key(device), merged.size());
      if (is_new) merged.emplace_back();
      merged[at->second].push_back(device);
    }
  }
  return merged;
}

bool has_equal_nodes(const MachineSpec& machine) {
  std::vector<int> per_node(static_cast<size_t>(machine.num_nodes()));
  for (const Device& device : machine.devices) ++per_node[static_cast<size_t>(device.node)];
  const auto node_of = [&](int device) { return machine.devices[static_cast<size_t>(device)].node; };
  // Links are compared by their number: a node may have other links, but no reader makes nodes that differ in that
  // alone.
  std::vector<size_t> links(per_node.size());
  for (const Link& link : machine.links) ++links[static_cast<size_t>(node_of(link.a))];
  const auto all_same = [](const auto& values) {
    return std::ranges::adjacent_find(values, std::not_equal_to()) == values.end();
  };
  return all_same(per_node) && all_same(links) &&
         std::ranges::all_of(machine.networks, [&](const Network& n) { return n.nodes.size() == per_node.size(); }) &&
         std::ranges::all_of(machine.domains, [&](const std::vector<int>& domain) {
           return std::ranges::all_of(domain, [&](int device) { return node_of(device) == node_of(domain.front()); });
         });
}

}  // namespace

Placer::Placer(const MachineSpec& machine) : machine_(machine), domains_(machine.domains) {
  if (domains_.empty()) {
    for (int device = 0; device < machine.num_devices(); ++device) domains_.push_back({device});
  }
  for (const Device& device : machine.devices) uniform_ = uniform_ && device.kind == machine.devices.front().kind;
  nodes_alike_ = uniform_ && has_equal_nodes(machine);
  for (int device = 0; device < machine.num_devices(); ++device) {
    fastest_gb_per_s_ = std::max(fastest_gb_per_s_, bandwidth(machine, device));
  }
  for (std::vector<int>& domain : domains_) {
    std::ranges::sort(domain);
    std::ranges::stable_sort(domain, [&](int a, int b) { return bandwidth(machine, a) > bandwidth(machine, b); });
  }
  std::erase_if(domains_, [](const std::vector<int>& domain) { return domain.empty(); });
  std::ranges::sort(domains_, {}, [&](const std::vector<int>& domain) {
    return std::pair(-bandwidth(machine, domain.back()), *std::ranges::min_element(domain));
  });
}

const std::vector<TpGroup>& Placer::groups(int tp) {
  const auto [at, is_new] = groups_.try_emplace(tp);
  std::vector<TpGroup>& groups = at->second;
  if (!is_new) return groups;
  const auto device = [&](int i) -> const Device& { return machine_.devices[static_cast<size_t>(i)]; };
  std::vector<std::vector<int>> pools = domains_;
  const auto take = [&](Closeness closeness) {
    for (std::vector<int>& pool : pools) take_groups(pool, tp, closeness, groups);
  };
  take(Closeness::kDomain);
  pools = merge(std::move(pools), [&](int i) { return std::pair(device(i).node, device(i).numa); });
  take(Closeness::kSocket);
  pools = merge(std::move(pools), [&](int i) { return device(i).node; });
  take(Closeness::kNode);
  pools = merge(std::move(pools), [](int) { return 0; });
  take(Closeness::kCluster);
  return groups;
}

std::vector<int> Placer::place(const Plan& plan) {
  const std::vector<TpGroup>& all = groups(plan.tp);
  const size_t wanted = static_cast<size_t>(plan.pp) * static_cast<size_t>(plan.dp);
  std::vector<int> devices;
  if (all.size() < wanted) return devices;
  devices.reserve(wanted * static_cast<size_t>(plan.tp));
  for (size_t i = 0; i < wanted; ++i) devices.insert(devices.end(), all[i].devices.begin(), all[i].devices.end());
  return devices;
}

int Placer::nodes_used(const Plan& plan) {
  if (!nodes_alike_) return machine_.num_nodes();
  const std::vector<TpGroup>& all = groups(plan.tp);
  const size_t wanted = std::min(all.size(), static_cast<size_t>(plan.pp) * static_cast<size_t>(plan.dp));
  int last = 0;
  for (size_t i = 0; i < wanted; ++i) {
    for (const int device : all[i].devices) last = std::max(last, machine_.devices[static_cast<size_t>(device)].node);
  }
  return last + 1;
}

MachineSpec first_nodes(const MachineSpec& machine, int nodes) {
  const auto inside = [&](int device) { return machine.devices[static_cast<size_t>(device)].node < nodes; };
  MachineSpec first = machine;
  std::erase_if(first.links, [&](const Link& link) { return !inside(link.a) || !inside(link.b); });
  std::erase_if(first.domains, [&](const std::vector<int>& domain) { return !std::ranges::all_of(domain, inside); });
  std::erase_if(first.devices, [&](const Device& device) { return device.node >= nodes; });
  for (Network& network : first.networks) std::erase_if(network.nodes, [&](int node) { return node >= nodes; });
  first.node_names.resize(std::min(first.node_names.size(), static_cast<size_t>(nodes)));
  return first;
}

double Placer::speed(int device) const {
  return fastest_gb_per_s_ > 0 ? bandwidth(machine_, device) / fastest_gb_per_s_ : 1;
}

std::vector<double> Placer::stage_speeds(const Plan& plan) {
  std::vector<double> speeds(static_cast<size_t>(plan.pp), 1.0);
  const std::vector<int> devices = place(plan);
  for (size_t rank = 0; rank < devices.size(); ++rank) {
    double& slowest = speeds[rank / static_cast<size_t>(plan.tp) % speeds.size()];
    slowest = std::min(slowest, speed(devices[rank]));
  }
  return speeds;
}

std::vector<double> Placer::rank_speeds(const Plan& plan) {
  std::vector<double> speeds(static_cast<size_t>(plan.tp), 1.0);
  const std::vector<int> devices = place(plan);
  for (size_t rank = 0; rank < devices.size(); ++rank) {
    double& slowest = speeds[rank % speeds.size()];
    slowest = std::min(slowest, speed(devices[rank]));
  }
  const auto [least, most] = std::ranges::minmax(speeds);
  if (least == most) speeds.clear();
  return speeds;
}

std::vector<int64_t> proportional_layer_counts(int64_t num_layers, const std::vector<double>& speeds) {
  const double sum = std::accumulate(speeds.begin(), speeds.end(), 0.0);
  std::vector<int64_t> counts;
  for (const double speed : speeds) {
    counts.push_back(std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(num_layers) * speed / sum)));
  }
  // What rounding left over goes where a layer more makes the least time, what it took too many comes from the slowest.
  const auto time = [&](size_t stage, int64_t more) {
    return static_cast<double>(counts[stage] + more) / speeds[stage];
  };
  int64_t given = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  for (; given < num_layers; ++given) {
    size_t best = 0;
    for (size_t stage = 1; stage < counts.size(); ++stage) {
      if (time(stage, 1) < time(best, 1)) best = stage;
    }
    ++counts[best];
  }
  for (; given > num_layers; --given) {
    size_t worst = counts.size();
    for (size_t stage = 0; stage < counts.size(); ++stage) {
      if (counts[stage] > 1 && (worst == counts.size() || time(stage, 0) > time(worst, 0))) worst = stage;
    }
    if (worst == counts.size()) break;  // more stages than layers
    --counts[worst];
  }
  return counts;
}

}  // namespace kerf
