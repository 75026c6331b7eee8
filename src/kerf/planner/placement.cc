#include "kerf/planner/placement.h"

#include <algorithm>
#include <cmath>
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

}  // namespace

Placer::Placer(const MachineSpec& machine) : machine_(machine), domains_(machine.domains) {
  if (domains_.empty()) {
    for (int device = 0; device < machine.num_devices(); ++device) domains_.push_back({device});
  }
  for (const Device& device : machine.devices) uniform_ = uniform_ && device.kind == machine.devices.front().kind;
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
