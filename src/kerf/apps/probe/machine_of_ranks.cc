#include "kerf/apps/probe/machine_of_ranks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "kerf/apps/probe/rounds.h"
#include "kerf/io/topology/domains.h"

namespace kerf {

namespace {

constexpr const char* kSource = "kerf probe";

std::string own_host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

DeviceKind cpu_kind() { return {.name = "cpu", .fabric = "shm", .basis = Basis::kMeasured, .source = kSource}; }

// The middle of the pairs of one kind.
LinkKind link_kind(const char* name, bool fast, const std::vector<PairFigures>& pairs) {
  std::vector<double> latencies;
  std::vector<double> bandwidths;
  for (const PairFigures& pair : pairs) {
    latencies.push_back(pair.latency_us);
    bandwidths.push_back(pair.gb_per_s);
  }
  return {.name = name,
          .gb_per_s = middle(bandwidths).value,
          .latency_us = middle(latencies).value,
          .fast = fast,
          .basis = Basis::kMeasured,
          .source = kSource};
}

}  // namespace

MachineSpec machine_of_ranks(const CollectiveFigures& figures) {
  MachineSpec machine;
  machine.basis = Basis::kMeasured;
  machine.device_kinds = {cpu_kind()};
  machine.host.collectives = figures.collectives;

  // Devices of a node stand together, whatever order mpirun gave the ranks.
  std::vector<int> node_of_rank;
  for (const std::string& host : figures.hosts) {
    auto found = std::ranges::find(machine.node_names, host);
    if (found == machine.node_names.end()) found = machine.node_names.insert(found, host);
    node_of_rank.push_back(static_cast<int>(found - machine.node_names.begin()));
  }
  std::vector<int> device_of_rank(figures.hosts.size());
  const bool several = machine.node_names.size() > 1;
  for (int node = 0; node < machine.num_nodes(); ++node) {
    int core = 0;
    for (size_t rank = 0; rank < node_of_rank.size(); ++rank) {
      if (node_of_rank[rank] != node) continue;
      device_of_rank[rank] = machine.num_devices();
      const std::string name = fmt::format("cpu{}", core++);
      machine.devices.push_back(
          {.name = several ? machine.node_names[static_cast<size_t>(node)] + "/" + name : name, .node = node});
    }
  }

  std::vector<PairFigures> inside;
  std::vector<PairFigures> across;
  for (PairFigures pair : figures.pairs) {
    const bool one_node = node_of_rank[static_cast<size_t>(pair.a)] == node_of_rank[static_cast<size_t>(pair.b)];
    pair.a = device_of_rank[static_cast<size_t>(pair.a)];
    pair.b = device_of_rank[static_cast<size_t>(pair.b)];
    if (pair.a > pair.b) std::swap(pair.a, pair.b);
    (one_node ? inside : across).push_back(pair);
  }
  if (!inside.empty()) {
    const int kind = static_cast<int>(machine.link_kinds.size());
    machine.link_kinds.push_back(link_kind("shm", true, inside));
    for (const PairFigures& pair : inside) {
      machine.links.push_back(
          {.a = pair.a, .b = pair.b, .kind = kind, .gb_per_s = pair.gb_per_s, .latency_us = pair.latency_us});
    }
  }
  if (!across.empty()) {
    const int kind = static_cast<int>(machine.link_kinds.size());
    machine.link_kinds.push_back(link_kind("mpi", false, across));
    const LinkKind& measured = machine.link_kinds.back();
    std::vector<int> nodes;
    for (int node = 0; node < machine.num_nodes(); ++node) nodes.push_back(node);
    machine.networks.push_back({.name = "mpi",
                                .kind = kind,
                                .nodes = nodes,
                                .gb_per_s_node = measured.gb_per_s,
                                .gb_per_s_device = measured.gb_per_s,
                                .latency_us = measured.latency_us});
  }
  return machine;
}

MachineSpec machine_of_cores(int cores) {
  MachineSpec machine;
  machine.basis = Basis::kMeasured;
  machine.device_kinds = {cpu_kind()};
  machine.node_names = {own_host_name()};
  for (int core = 0; core < cores; ++core) machine.devices.push_back({.name = fmt::format("cpu{}", core)});
  return machine;
}

void add_compute(MachineSpec& machine, HostFigures figures, double memory_bytes) {
  figures.collectives = std::move(machine.host.collectives);
  machine.host = std::move(figures);
  machine.name =
      fmt::format("{}{} x {}", machine.num_nodes() > 1 ? fmt::format("{} hosts of ", machine.num_nodes()) : "",
                  machine.host.cores, machine.host.cpu);
  const int on_node = static_cast<int>(std::ranges::count(machine.devices, 0, &Device::node));
  const double share = 1.0 / std::max(1, on_node);  // of a host, that one device is
  DeviceKind& kind = machine.device_kinds.front();
  kind.memory_bytes = memory_bytes * share;
  kind.memory_gb_per_s = machine.host.read_gb_per_s.empty() ? 0 : machine.host.read_gb_per_s.back() * share;
  // One row is bound by memory, as models are; many rows by arithmetic, wherever the weights are.
  int64_t depth = 0;
  for (const MatmulPoint& point : machine.host.matmul) {
    depth = std::max(depth, point.inputs);
  }
  std::map<std::pair<std::string, int64_t>, MatmulPoint> chosen;
  for (const MatmulPoint& point : machine.host.matmul) {
    if (point.sliced || point.threads != machine.host.cores || point.inputs != depth) continue;
    const auto [found, is_new] = chosen.try_emplace({point.format, point.rows}, point);
    if (!is_new && point.weight_mb > found->second.weight_mb) found->second = point;
  }
  for (const auto& [key, point] : chosen) {
    kind.matmul.push_back({.format = point.format, .rows = point.rows, .gflops = point.gflops * share});
    if (point.format == "bf16") kind.bf16_tflops = std::max(kind.bf16_tflops, point.gflops * share / 1e3);
  }
  find_domains(machine);
}

}  // namespace kerf
