#include "kerf/apps/machine_options.h"

#include <CLI/CLI.hpp>
#include <numeric>

#include "kerf/io/catalog/devices.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/io/topology/machine_reader.h"

namespace kerf {

namespace {

constexpr int kUsualGpus = 8;      // of a baseboard
constexpr int kUsualTrayGpus = 4;  // of an NVL72's compute tray

Result<MachineSpec> usual_machine(const MachineOptions& options) {
  ClusterShape shape{.gpu = options.gpu, .nodes = options.nodes, .network = options.network};
  KERF_TRY(const CatalogDevice gpu, find_catalog_device(options.gpu));
  shape.gpus_per_node = options.gpus_per_node > 0         ? options.gpus_per_node
                        : gpu.shape == FabricShape::kRack ? kUsualTrayGpus
                                                          : kUsualGpus;
  return gpu_cluster(shape);
}

// The first devices of a machine of one node.
Result<MachineSpec> first_devices(MachineSpec machine, int count, const std::string& file) {
  if (count > machine.num_devices()) {
    return fail("--gpus-per-node is {}, but {} shows {} devices", count, file, machine.num_devices());
  }
  machine.devices.resize(static_cast<size_t>(count));
  std::erase_if(machine.links, [&](const Link& link) { return link.b >= count; });
  for (Nic& nic : machine.nics) {
    if (nic.paths.size() > static_cast<size_t>(count)) nic.paths.resize(static_cast<size_t>(count));
  }
  return machine;
}

Result<MachineSpec> machine_from_topology(const MachineOptions& options) {
  KERF_TRY(MachineSpec node, read_machine(options.topo, {.gpu = options.gpu}));
  if (node.num_nodes() > 1) {
    return fail("--topo {}: it has {} nodes; give it with --machine", options.topo, node.num_nodes());
  }
  if (options.gpus_per_node > 0) {
    KERF_TRY(node, first_devices(std::move(node), options.gpus_per_node, options.topo));
  }
  MachineBuilder builder;
  for (int i = 0; i < options.nodes; ++i) {
    KERF_TRY_STATUS(builder.append(node, options.nodes == 1 ? "" : fmt::format("node{}", i)));
  }
  builder.spec.name = options.nodes == 1 ? node.name : fmt::format("{} x {}", options.nodes, node.name);
  builder.spec.basis = node.basis;
  if (options.nodes > 1) {
    std::vector<int> nodes(static_cast<size_t>(options.nodes));
    std::iota(nodes.begin(), nodes.end(), 0);
    std::string network = options.network;
    if (const auto gpu = find_catalog_device(node.device_kinds[0].name); gpu.ok()) {
      KERF_TRY_STATUS(join_racks(builder, *gpu, node.num_devices(), nodes));
      if (network.empty()) network = gpu->network;
    }
    if (network.empty()) {
      return fail("--nodes is {}: give --network, or the GPU with --gpu, to say what joins them", options.nodes);
    }
    KERF_TRY_STATUS(builder.join_by(network, nodes));
  }
  return std::move(builder).finish();
}

}  // namespace

void add_machine_options(CLI::App& command, MachineOptions& options) {
  auto* machine = command.add_option("--machine", options.machine,
                                     "file that describes the machine: of kerf probe, a cluster file, nvidia-smi topo "
                                     "-m, rocm-smi --showtopo, hwloc XML");
  command.add_option("--gpu", options.gpu, "GPU by name, as in H100-SXM, A100-80G-SXM, L40S");
  auto* per_node =
      command
          .add_option("--gpus-per-node", options.gpus_per_node, "GPUs of each node; default: 8, or what --topo shows")
          ->check(CLI::Range(1, kMaxDevicesPerNode));
  auto* nodes =
      command.add_option("--nodes", options.nodes, "nodes")->check(CLI::Range(1, kMaxDevices))->capture_default_str();
  auto* topo = command.add_option("--topo", options.topo,
                                  "links of one node: the output of nvidia-smi topo -m or rocm-smi --showtopo");
  auto* network = command.add_option(
      "--network", options.network,
      "link between nodes, as in InfiniBand-NDR, RoCE-400G, Ethernet-25G; default: what is usual for the GPU");
  for (CLI::Option* option : {per_node, nodes, topo, network}) machine->excludes(option);
}

Result<MachineSpec> load_machine(const MachineOptions& options) {
  if (!options.machine.empty()) return read_machine(options.machine, {.gpu = options.gpu});
  if (options.gpu.empty() && options.topo.empty()) {
    return fail("which GPU is it: give --gpu with --gpus-per-node, --nodes and --network, or a --topo file");
  }
  return options.topo.empty() ? usual_machine(options) : machine_from_topology(options);
}

}  // namespace kerf
