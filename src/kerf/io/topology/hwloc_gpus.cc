#include "kerf/io/topology/hwloc_gpus.h"

#include <hwloc/distances.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kerf/io/topology/hwloc_handle.h"
#include "kerf/io/topology/machine_builder.h"

namespace kerf {

namespace {

constexpr unsigned kNvidia = 0x10de;
constexpr unsigned kAmd = 0x1002;
constexpr double kLinkGbPerS = 25;      // of one NVLink from the second generation to the fourth
constexpr int kBridgesOfOneSwitch = 3;  // its upstream port, and a downstream port for each of two devices

struct Gpu {
  hwloc_obj_t device = nullptr;  // OS or PCI device
  hwloc_obj_t pci = nullptr;     // PCI device; nullptr when hwloc shows none
};

bool is_gpu(hwloc_obj_t device) {
  const auto& pci = device->attr->pcidev;
  const bool compute = pci.class_id == 0x0302 || pci.class_id == 0x1200;
  return (pci.vendor_id == kNvidia && (compute || pci.class_id == 0x0300)) ||
         (pci.vendor_id == kAmd && (compute || pci.class_id == 0x0380));
}

// The best description there is: one of the libraries that enumerate GPUs, else PCI.
std::vector<Gpu> find_gpus(hwloc_topology_t topology) {
  std::vector<Gpu> gpus;
  for (const std::string_view library : {"NVML", "CUDA", "RSMI"}) {
    for (hwloc_obj_t device : objects_of(topology, HWLOC_OBJ_OS_DEVICE)) {
      if (device->subtype == nullptr || device->subtype != library) continue;
      hwloc_obj_t parent = device->parent;
      while (parent != nullptr && parent->type == HWLOC_OBJ_OS_DEVICE) parent = parent->parent;
      const bool has_pci = parent != nullptr && parent->type == HWLOC_OBJ_PCI_DEVICE;
      gpus.push_back({.device = device, .pci = has_pci ? parent : nullptr});
    }
    if (!gpus.empty()) return gpus;
  }
  for (hwloc_obj_t device : objects_of(topology, HWLOC_OBJ_PCI_DEVICE)) {
    if (is_gpu(device)) gpus.push_back({.device = device, .pci = device});
  }
  return gpus;
}

bool is_amd(const Gpu& gpu) {
  return (gpu.pci != nullptr && gpu.pci->attr->pcidev.vendor_id == kAmd) ||
         (gpu.device->subtype != nullptr && std::string_view(gpu.device->subtype) == "RSMI");
}

int bridges_below(hwloc_obj_t object, hwloc_obj_t ancestor) {
  int bridges = 0;
  for (; object != nullptr && object != ancestor; object = object->parent) {
    bridges += object->type == HWLOC_OBJ_BRIDGE ? 1 : 0;
  }
  return bridges;
}

hwloc_obj_t numa_node_of(hwloc_topology_t topology, hwloc_obj_t device) {
  hwloc_obj_t normal = hwloc_get_non_io_ancestor_obj(topology, device);
  if (normal == nullptr || normal->nodeset == nullptr || hwloc_bitmap_weight(normal->nodeset) != 1) return nullptr;
  return hwloc_get_numanode_obj_by_os_index(topology, static_cast<unsigned>(hwloc_bitmap_first(normal->nodeset)));
}

// What the PCI tree says, in nvidia-smi's classes.
PathClass pci_path(hwloc_topology_t topology, const Gpu& a, const Gpu& b) {
  if (a.pci == nullptr || b.pci == nullptr) return PathClass::kSys;
  hwloc_obj_t common = hwloc_get_common_ancestor_obj(topology, a.pci, b.pci);
  if (common != nullptr && common->type == HWLOC_OBJ_BRIDGE) {
    if (common->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_HOST) return PathClass::kPhb;
    const int bridges = 1 + bridges_below(a.pci, common) + bridges_below(b.pci, common);
    return bridges <= kBridgesOfOneSwitch ? PathClass::kPix : PathClass::kPxb;
  }
  hwloc_obj_t node = numa_node_of(topology, a.pci);
  return node != nullptr && node == numa_node_of(topology, b.pci) ? PathClass::kNode : PathClass::kSys;
}

// Bandwidth of one bonded link of this model, per direction.
double gb_per_s_each(const std::string& model) {
  const auto device = find_catalog_device(model);
  if (!device.ok() || device->bonded.empty()) return kLinkGbPerS;
  const auto link = find_link(device->bonded);
  return link.ok() && link->gb_per_s_each > 0 ? link->gb_per_s_each : kLinkGbPerS;
}

bool is_switch(hwloc_obj_t object) {
  return object != nullptr && object->subtype != nullptr && std::string_view(object->subtype) == "NVSwitch";
}

// Overwrites the paths of those pairs that a bandwidth matrix joins.
void apply_bandwidths(hwloc_topology_t topology, const char* name, const std::vector<Gpu>& gpus, double each,
                      NodeTopology& result) {
  unsigned count = 1;
  hwloc_distances_s* matrix = nullptr;
  if (hwloc_distances_get_by_name(topology, name, &count, &matrix, 0) != 0 || count == 0 || matrix == nullptr) return;
  // What goes through a switch counts as between GPUs.
  if (std::any_of(matrix->objs, matrix->objs + matrix->nbobjs, is_switch)) {
    (void)hwloc_distances_transform(topology, matrix, HWLOC_DISTANCES_TRANSFORM_MERGE_SWITCH_PORTS, nullptr, 0);
    (void)hwloc_distances_transform(topology, matrix, HWLOC_DISTANCES_TRANSFORM_TRANSITIVE_CLOSURE, nullptr, 0);
  }
  const auto gpu_of = [&](hwloc_obj_t object) {
    return std::ranges::find_if(gpus,
                                [&](const Gpu& gpu) {
                                  return object != nullptr && (object == gpu.device || object == gpu.pci ||
                                                               (gpu.pci != nullptr && object->parent == gpu.pci));
                                }) -
           gpus.begin();
  };
  const auto num_gpus = static_cast<std::ptrdiff_t>(gpus.size());
  for (unsigned i = 0; i < matrix->nbobjs; ++i) {
    for (unsigned j = 0; j < matrix->nbobjs; ++j) {
      const auto a = gpu_of(matrix->objs[i]);
      const auto b = gpu_of(matrix->objs[j]);
      const double gb_per_s = static_cast<double>(matrix->values[size_t{i} * matrix->nbobjs + j]) / 1000;  // of MB/s
      if (a == num_gpus || b == num_gpus || a == b || gb_per_s <= 0) continue;
      const int width = std::clamp(static_cast<int>(std::lround(gb_per_s / each)), 1, 64);
      result.at(static_cast<size_t>(a), static_cast<size_t>(b)) = {.path = PathClass::kBonded, .width = width};
      result.at(static_cast<size_t>(b), static_cast<size_t>(a)) = {.path = PathClass::kBonded, .width = width};
    }
  }
  hwloc_distances_release(topology, matrix);
}

}  // namespace

Result<NodeTopology> gpus_of(hwloc_topology_t topology, const std::string& gpu) {
  const std::vector<Gpu> gpus = find_gpus(topology);
  if (gpus.size() > size_t{kMaxDevicesPerNode}) {
    return fail("hwloc shows {} GPUs; at most {} are read", gpus.size(), kMaxDevicesPerNode);
  }
  NodeTopology result;
  result.paths.resize(gpus.size() * gpus.size());
  for (const Gpu& found : gpus) {
    NodeGpu& added = result.gpus.emplace_back();
    added.name = fmt::format("GPU{}", result.gpus.size() - 1);
    added.model = info_of(found.device, "GPUModel");
    result.amd = result.amd || is_amd(found);
    hwloc_obj_t anchor = found.pci != nullptr ? found.pci : found.device;
    if (hwloc_obj_t node = numa_node_of(topology, anchor)) added.numa = static_cast<int>(node->os_index);
    if (hwloc_obj_t normal = hwloc_get_non_io_ancestor_obj(topology, anchor)) added.cpus = list_of(normal->cpuset);
  }
  for (size_t a = 0; a < gpus.size(); ++a) {
    for (size_t b = 0; b < gpus.size(); ++b) {
      result.at(a, b).path = a == b ? PathClass::kSelf : pci_path(topology, gpus[a], gpus[b]);
    }
  }
  if (!gpus.empty()) {
    const double each = gb_per_s_each(gpu.empty() ? result.gpus[0].model : gpu);
    apply_bandwidths(topology, result.amd ? "XGMIBandwidth" : "NVLinkBandwidth", gpus, each, result);
  }
  return result;
}

}  // namespace kerf
