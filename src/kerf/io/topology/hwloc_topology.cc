#include "kerf/io/topology/hwloc_topology.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "kerf/io/topology/hwloc_gpus.h"
#include "kerf/io/topology/hwloc_handle.h"
#include "kerf/io/topology/machine_builder.h"

namespace kerf {

namespace {

bool within(hwloc_obj_t inner, hwloc_obj_t outer) {
  return inner->cpuset != nullptr && outer->cpuset != nullptr && hwloc_bitmap_weight(inner->cpuset) != 0 &&
         hwloc_bitmap_isincluded(inner->cpuset, outer->cpuset) != 0;
}

std::string cpu_model(hwloc_topology_t topology) {
  for (hwloc_obj_t package : objects_of(topology, HWLOC_OBJ_PACKAGE)) {
    if (std::string model = info_of(package, "CPUModel"); !model.empty()) return model;
  }
  return info_of(hwloc_get_root_obj(topology), "CPUModel");
}

// NUMA nodes that have cores: a GPU's memory may be a node, too, but has none.
std::vector<hwloc_obj_t> nodes_with_cores(hwloc_topology_t topology) {
  std::vector<hwloc_obj_t> nodes = objects_of(topology, HWLOC_OBJ_NUMANODE);
  std::erase_if(nodes, [](hwloc_obj_t node) { return hwloc_bitmap_iszero(node->cpuset) != 0; });
  return nodes;
}

Result<MachineSpec> cpu_machine(hwloc_topology_t topology, const std::string& where) {
  const std::vector<hwloc_obj_t> nodes = nodes_with_cores(topology);
  if (nodes.empty() || nodes.size() > size_t{kMaxDevicesPerNode}) {
    return fail("{}: {} NUMA nodes with cores; expected 1 to {}", where, nodes.size(), kMaxDevicesPerNode);
  }
  MachineBuilder builder;
  builder.add_node("node");
  DeviceKind kind{.name = "cpu", .fabric = "shm", .source = cpu_model(topology)};
  for (hwloc_obj_t node : nodes) {
    const auto bytes = static_cast<double>(node->attr->numanode.local_memory);
    kind.memory_bytes = kind.memory_bytes == 0 ? bytes : std::min(kind.memory_bytes, bytes);
  }
  const int index = builder.device_kind(kind);
  for (hwloc_obj_t node : nodes) {
    builder.spec.devices.push_back({.name = fmt::format("numa{}", node->os_index),
                                    .kind = index,
                                    .node = 0,
                                    .numa = static_cast<int>(node->os_index),
                                    .cpus = list_of(node->cpuset)});
  }
  if (nodes.size() > 1) {
    KERF_TRY(const int link, builder.link_kind("shm"));
    for (int a = 0; a < builder.spec.num_devices(); ++a) {
      for (int b = a + 1; b < builder.spec.num_devices(); ++b) builder.connect(a, b, link);
    }
  }
  builder.spec.name = kind.source.empty() ? "cpu" : kind.source;
  builder.spec.notes.emplace_back("bandwidths and rates of processors are not known until kerf probe measures them");
  return std::move(builder).finish();
}

// Caches come in powers of two.
std::string cache_shown(uint64_t bytes) {
  const bool small = bytes < (uint64_t{1} << 20);
  return fmt::format("{:.3g} {}", static_cast<double>(bytes) / (small ? 1024 : 1 << 20), small ? "KB" : "MB");
}

// "8 cores with 2 threads each, CPUs 0-7,64-71"
std::string cores_in(hwloc_topology_t topology, hwloc_obj_t outer) {
  const int cores = hwloc_get_nbobjs_inside_cpuset_by_type(topology, outer->cpuset, HWLOC_OBJ_CORE);
  const int threads = hwloc_get_nbobjs_inside_cpuset_by_type(topology, outer->cpuset, HWLOC_OBJ_PU);
  const std::string each = cores > 0 && threads > cores ? fmt::format(" with {} threads each", threads / cores) : "";
  return fmt::format("{} core{}{}, CPUs {}", cores, cores == 1 ? "" : "s", each, list_of(outer->cpuset));
}

// "L2 1 MB, L1d 48 KB per core" of the first core in a set.
std::string private_caches(hwloc_topology_t topology, hwloc_obj_t outer) {
  std::string caches;
  for (const hwloc_obj_type_t type : {HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L1CACHE}) {
    hwloc_obj_t cache = hwloc_get_next_obj_inside_cpuset_by_type(topology, outer->cpuset, type, nullptr);
    if (cache == nullptr) continue;
    caches += fmt::format(", {} {}", type == HWLOC_OBJ_L2CACHE ? "L2" : "L1d", cache_shown(cache->attr->cache.size));
  }
  return caches;
}

void add_numa_node(hwloc_topology_t topology, hwloc_obj_t node, const MachineSpec& machine,
                   std::vector<std::string>& tree) {
  tree.push_back(fmt::format("    NUMA node {}: {:.4g} GB, {}", node->os_index,
                             static_cast<double>(node->attr->numanode.local_memory) / 1e9, cores_in(topology, node)));
  for (hwloc_obj_t cache : objects_of(topology, HWLOC_OBJ_L3CACHE)) {
    if (!within(cache, node)) continue;
    tree.push_back(fmt::format("      L3 {}: {}{}", cache_shown(cache->attr->cache.size), cores_in(topology, cache),
                               private_caches(topology, cache)));
  }
  for (const Device& device : machine.devices) {
    if (device.numa != static_cast<int>(node->os_index) || device.name.starts_with("numa")) continue;
    tree.push_back(
        fmt::format("      {} {}", device.name, machine.device_kinds[static_cast<size_t>(device.kind)].name));
  }
}

std::vector<std::string> tree_of(hwloc_topology_t topology, const MachineSpec& machine) {
  std::vector<std::string> tree = {"machine"};
  std::vector<hwloc_obj_t> nodes = nodes_with_cores(topology);
  std::vector<hwloc_obj_t> outer = objects_of(topology, HWLOC_OBJ_PACKAGE);
  // A NUMA node may hold several packages: then the machine is drawn by nodes.
  const auto in_package = [&](hwloc_obj_t node) {
    return std::ranges::any_of(outer, [&](hwloc_obj_t package) { return within(node, package); });
  };
  if (outer.empty() || !std::ranges::all_of(nodes, in_package)) outer = {hwloc_get_root_obj(topology)};
  for (hwloc_obj_t package : outer) {
    const std::string model = info_of(package, "CPUModel");
    tree.push_back(fmt::format("  {}{}", package->type == HWLOC_OBJ_PACKAGE ? "package" : "packages",
                               model.empty() ? "" : ": " + model));
    for (hwloc_obj_t node : nodes) {
      if (within(node, package)) add_numa_node(topology, node, machine, tree);
    }
  }
  return tree;
}

Result<HostTopology> read_host(hwloc_topology_t topology, const std::string& where, const std::string& gpu) {
  KERF_TRY(const NodeTopology gpus, gpus_of(topology, gpu));
  HostTopology host;
  if (gpus.gpus.empty()) {
    KERF_TRY(host.machine, cpu_machine(topology, where));
  } else {
    KERF_TRY(host.machine, machine_of(gpus, gpu));
  }
  host.tree = tree_of(topology, host.machine);
  return host;
}

}  // namespace

Result<HostTopology> read_this_host() {
  KERF_TRY(const HwlocHandle topology, load_hwloc("", "this machine"));
  KERF_TRY(HostTopology host, read_host(topology.get(), "this machine", ""));
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') {
    host.machine.node_names[0] = name.data();
    host.tree[0] = name.data();
  }
  return host;
}

Result<HostTopology> parse_hwloc_xml(std::string_view text, std::string_view where, const std::string& gpu) {
  const std::string file(where);
  if (text.empty() || text.find('\0') != std::string_view::npos) return fail("{}: not XML of hwloc's", where);
  KERF_TRY(const HwlocHandle topology, load_hwloc(std::string(text), file));
  return read_host(topology.get(), file, gpu);
}

}  // namespace kerf
