#include "kerf/planner/device_paths.h"

#include <algorithm>
#include <map>
#include <string>

namespace kerf {

namespace {

constexpr double kMicro = 1e-6;
constexpr double kGiga = 1e9;
// Stages beyond this have hops like those of this many.
constexpr int kMaxStages = 128;
// A message in the middle of what decode and prefill send, to compare groups by.
constexpr double kTypicalBytes = 1 << 20;
constexpr int kFarthestPath = 5;  // SYS

// Two devices that nothing is known to join: through the hosts' memory.
constexpr Wire kUnknownWire{.latency_s = 10 * kMicro, .bytes_per_s = 5 * kGiga};

bool slower(const Wire& a, const Wire& b) {
  return a.latency_s + kTypicalBytes / a.bytes_per_s > b.latency_s + kTypicalBytes / b.bytes_per_s;
}

bool slower(const Group& a, const Group& b) {
  const auto seconds = [](const Group& group) {
    return collective_s(CollectiveOp::kAllReduce, kTypicalBytes, group, families_of(group.fabric, "nccl"));
  };
  return seconds(a) > seconds(b);
}

}  // namespace

DevicePaths::DevicePaths(const MachineSpec& machine, FabricCatalog catalog)
    : machine_(machine),
      catalog_(std::move(catalog)),
      placer_(machine),
      links_(machine),
      sized_(static_cast<size_t>(machine.num_devices()) + 1) {
  std::vector<int> sizes;
  for (int device = 0; device < machine.num_devices(); ++device) {
    const auto node = static_cast<size_t>(machine.devices[static_cast<size_t>(device)].node);
    if (node >= sizes.size()) {
      sizes.resize(node + 1, 0);
      node_first_.resize(node + 1, device);
    }
    if (sizes[node]++ == 0) node_first_[node] = device;
  }
  for (const int size : sizes) pairs_.emplace_back(static_cast<size_t>(size) * static_cast<size_t>(size), -1);
  for (size_t i = 0; i < machine.links.size(); ++i) {
    const Link& link = machine.links[i];
    const auto node = static_cast<size_t>(machine.devices[static_cast<size_t>(link.a)].node);
    const auto a = static_cast<size_t>(link.a - node_first_[node]);
    const auto b = static_cast<size_t>(link.b - node_first_[node]);
    const auto n = static_cast<size_t>(sizes[node]);
    if (a >= n || b >= n) continue;
    pairs_[node][a * n + b] = pairs_[node][b * n + a] = static_cast<int>(i);
  }
  for (const Network& network : machine.networks) {
    std::vector<char> joins(sizes.size(), 0);
    for (const int node : network.nodes) {
      if (static_cast<size_t>(node) < joins.size()) joins[static_cast<size_t>(node)] = 1;
    }
    joins_.push_back(std::move(joins));
  }
}

const Link* DevicePaths::link(int a, int b) const {
  const int node = machine_.devices[static_cast<size_t>(a)].node;
  if (node != machine_.devices[static_cast<size_t>(b)].node) return nullptr;
  const auto& pairs = pairs_[static_cast<size_t>(node)];
  const int first = node_first_[static_cast<size_t>(node)];
  size_t n = 1;
  while (n * n < pairs.size()) ++n;
  const int index = pairs[static_cast<size_t>(a - first) * n + static_cast<size_t>(b - first)];
  return index < 0 ? nullptr : &machine_.links[static_cast<size_t>(index)];
}

// The one over which a device gets most.
const Network* DevicePaths::network(int a, int b) const {
  const auto node_a = static_cast<size_t>(machine_.devices[static_cast<size_t>(a)].node);
  const auto node_b = static_cast<size_t>(machine_.devices[static_cast<size_t>(b)].node);
  const Network* best = nullptr;
  for (size_t i = 0; i < joins_.size(); ++i) {
    if (joins_[i][node_a] == 0 || joins_[i][node_b] == 0) continue;
    const Network& network = machine_.networks[i];
    if (best == nullptr || network.gb_per_s_device > best->gb_per_s_device) best = &network;
  }
  return best;
}

Wire DevicePaths::network_wire(const Network& network, int senders) const {
  const LinkKind& kind = machine_.link_kinds[static_cast<size_t>(network.kind)];
  const NetworkFigures figures = catalog_.network(kind.name);
  const double share = network.gb_per_s_node > 0 ? network.gb_per_s_node / senders : network.gb_per_s_device;
  const double gb_per_s = network.gb_per_s_device > 0 ? std::min(network.gb_per_s_device, share) : share;
  if (kind.fast) return {.latency_s = network.latency_us * kMicro, .bytes_per_s = gb_per_s * kGiga};
  return {.latency_s = std::max(figures.latency_s, network.latency_us * kMicro),
          .bytes_per_s = gb_per_s * kGiga * figures.bandwidth_share};
}

int DevicePaths::slowest_kind(const std::vector<int>& devices) const {
  int slowest = machine_.devices[static_cast<size_t>(devices.front())].kind;
  for (const int device : devices) {
    const int kind = machine_.devices[static_cast<size_t>(device)].kind;
    const auto rate = [&](int i) { return machine_.device_kinds[static_cast<size_t>(i)].memory_gb_per_s; };
    if (rate(kind) < rate(slowest)) slowest = kind;
  }
  return slowest;
}

Wire DevicePaths::wire_of(const GroupLink& link) const {
  const LinkKind& kind = machine_.link_kinds[static_cast<size_t>(link.kind)];
  Wire wire{.latency_s = link.latency_us * kMicro, .bytes_per_s = link.gb_per_s * kGiga};
  const bool is_network = std::ranges::any_of(machine_.networks, [&](const Network& n) { return n.kind == link.kind; });
  if (!is_network || kind.fast) return wire;
  const NetworkFigures figures = catalog_.network(kind.name);
  return {.latency_s = std::max(figures.latency_s, wire.latency_s),
          .bytes_per_s = wire.bytes_per_s * figures.bandwidth_share};
}

Group DevicePaths::group_of(const std::vector<int>& devices) const {
  Group group{.ranks = static_cast<int>(devices.size()), .inner = static_cast<int>(devices.size())};
  group.base_s = catalog_.base_latency_s();
  if (devices.size() < 2) return group;
  const GroupLevels levels = links_.levels(devices);
  if (levels.inner.kind >= 0) {
    const std::string& kind = machine_.link_kinds[static_cast<size_t>(levels.inner.kind)].name;
    group.in = wire_of(levels.inner);
    group.fabric = catalog_.find(kind, machine_.device_kinds[static_cast<size_t>(slowest_kind(devices))].name);
    group.path = pcie_path(kind);
    if (group.path == 0) group.path = kFarthestPath;
  }
  if (levels.parts > 1) {
    // Parts that are not all of one size are as slow as parts of the smallest.
    group.inner = levels.smallest_part;
    group.out = levels.outer.kind >= 0 ? wire_of(levels.outer) : kUnknownWire;
  } else if (levels.inner.kind < 0) {
    group.in = kUnknownWire;
  }
  if (group.in.bytes_per_s <= 0) group.in = kUnknownWire;
  if (group.inner < group.ranks && group.out.bytes_per_s <= 0) group.out = kUnknownWire;
  return group;
}

Wire DevicePaths::hop_between(int a, int b, int senders) const {
  if (const Link* found = link(a, b); found != nullptr) {
    return {.latency_s = found->latency_us * kMicro + catalog_.base_latency_s(),
            .bytes_per_s = found->gb_per_s * kGiga * 0.8};
  }
  const Network* joined = network(a, b);
  if (joined == nullptr) return kUnknownWire;
  const LinkKind& kind = machine_.link_kinds[static_cast<size_t>(joined->kind)];
  const NetworkFigures figures = catalog_.network(kind.name);
  Wire wire = network_wire(*joined, senders);
  if (kind.fast)
    return {.latency_s = wire.latency_s + catalog_.base_latency_s(), .bytes_per_s = wire.bytes_per_s * 0.8};
  wire.bytes_per_s *= figures.send_bandwidth_share / figures.bandwidth_share;
  wire.latency_s = std::max(figures.send_latency_s, joined->latency_us * kMicro);
  return wire;
}

void DevicePaths::fill(int tp, Sized& sized) const {
  const std::lock_guard lock(placer_mutex_);
  const std::vector<TpGroup>& groups = placer_.groups(tp);
  sized.count = static_cast<int>(groups.size());
  for (const TpGroup& placed : groups) {
    Group group = group_of(placed.devices);
    if (!sized.worst.empty() && !slower(group, sized.worst.back())) group = sized.worst.back();
    sized.worst.push_back(group);
    sized.kinds.push_back(slowest_kind(placed.devices));
  }
  std::vector<Wire> hops;
  for (size_t i = 0; i + 1 < groups.size(); ++i) {
    hops.push_back(hop_between(groups[i].devices.front(), groups[i + 1].devices.front(), tp));
  }
  const int most = std::min(kMaxStages, sized.count);
  for (int stages = 2; stages <= most; ++stages) {
    Wire worst = hops[0];
    for (int i = 0; i + 1 < sized.count / stages * stages; ++i) {
      if ((i + 1) % stages == 0) continue;
      if (slower(hops[static_cast<size_t>(i)], worst)) worst = hops[static_cast<size_t>(i)];
    }
    sized.hops.push_back(worst);
  }
}

const DevicePaths::Sized& DevicePaths::sized(int tp) const {
  Sized& entry = sized_[static_cast<size_t>(tp)];
  std::call_once(entry.once, [&] { fill(tp, entry); });
  return entry;
}

bool DevicePaths::room(const Plan& plan) const {
  const int64_t ranks = int64_t{plan.tp} * plan.pp * plan.dp;
  if (plan.tp < 1 || plan.pp < 1 || plan.dp < 1 || ranks > machine_.num_devices()) return false;
  return int64_t{sized(plan.tp).count} >= int64_t{plan.pp} * plan.dp;
}

const Group& DevicePaths::tp_group(const Plan& plan) const {
  return sized(plan.tp).worst[static_cast<size_t>(plan.pp) * static_cast<size_t>(plan.dp) - 1];
}

const Group& DevicePaths::expert_group(const Plan& plan) const {
  const Sized& all = sized(plan.tp * plan.dp);
  return all.worst[std::min(static_cast<size_t>(plan.pp), all.worst.size()) - 1];
}

const Wire& DevicePaths::hop(const Plan& plan) const {
  const std::vector<Wire>& hops = sized(plan.tp).hops;
  return hops[std::min(static_cast<size_t>(plan.pp) - 2, hops.size() - 1)];
}

int DevicePaths::device_kind(const Plan& plan, int stage) const {
  if (machine_.device_kinds.size() == 1) return 0;
  const std::vector<int>& kinds = sized(plan.tp).kinds;
  const auto rate = [&](int i) { return machine_.device_kinds[static_cast<size_t>(i)].memory_gb_per_s; };
  int slowest = kinds[static_cast<size_t>(stage)];
  for (int replica = 1; replica < plan.dp; ++replica) {
    const int kind = kinds[static_cast<size_t>(replica) * static_cast<size_t>(plan.pp) + static_cast<size_t>(stage)];
    if (rate(kind) < rate(slowest)) slowest = kind;
  }
  return slowest;
}

}  // namespace kerf
