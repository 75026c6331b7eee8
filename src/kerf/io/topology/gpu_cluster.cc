#include "kerf/io/topology/gpu_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace kerf {

namespace {

// Links between two GPUs of a DGX-1 with V100 (NVIDIA DGX-1 with Tesla V100 white paper, figure 4); with P100, one
// each.
constexpr int kCubeSize = 8;
constexpr int kCubeMesh[kCubeSize][kCubeSize] = {
    {0, 1, 1, 2, 2, 0, 0, 0}, {1, 0, 2, 1, 0, 2, 0, 0}, {1, 2, 0, 2, 0, 0, 1, 0}, {2, 1, 2, 0, 0, 0, 0, 1},
    {2, 0, 0, 0, 0, 1, 1, 2}, {0, 2, 0, 0, 1, 0, 2, 1}, {0, 0, 1, 0, 1, 2, 0, 2}, {0, 0, 0, 1, 2, 1, 2, 0},
};
constexpr int kCubeLinks = 6;  // of a V100

// Bonded links between the a-th and the b-th device of a node; 0 = none.
int bonded_width(const CatalogDevice& gpu, int a, int b) {
  if (gpu.shape == FabricShape::kNone || a / gpu.fabric_devices != b / gpu.fabric_devices) return 0;
  if (gpu.shape != FabricShape::kCubeMesh) return gpu.bonded_links;
  const int width = kCubeMesh[a % kCubeSize][b % kCubeSize];
  return gpu.bonded_links == kCubeLinks ? width : std::min(width, 1);
}

const char* pcie_path(int a, int b, int count) {
  const int socket = count <= 4 ? count : (count + 1) / 2;
  if (a / socket != b / socket) return "SYS";
  return a % socket / 2 == b % socket / 2 ? "PIX" : "NODE";
}

Status check_counts(const ClusterShape& shape) {
  if (shape.gpus_per_node < 1 || shape.gpus_per_node > kMaxDevicesPerNode) {
    return fail("--gpus-per-node is {}; expected 1 to {}", shape.gpus_per_node, kMaxDevicesPerNode);
  }
  if (shape.nodes < 1 || shape.nodes > kMaxDevices / shape.gpus_per_node) {
    return fail("--nodes is {}; with {} GPUs per node expected 1 to {}", shape.nodes, shape.gpus_per_node,
                kMaxDevices / shape.gpus_per_node);
  }
  return Ok{};
}

}  // namespace

Status add_gpus(MachineBuilder& builder, int node, const CatalogDevice& gpu, int count) {
  const int kind = builder.device_kind(gpu.kind);
  const int first = builder.spec.num_devices();
  for (int i = 0; i < count; ++i) {
    builder.spec.devices.push_back({.name = fmt::format("GPU{}", i), .kind = kind, .node = node});
  }
  for (int a = 0; a < count; ++a) {
    for (int b = a + 1; b < count; ++b) {
      const int width = bonded_width(gpu, a, b);
      KERF_TRY(const int link,
               builder.link_kind(width > 0 ? gpu.bonded : fmt::format("{}-{}", gpu.pcie, pcie_path(a, b, count))));
      builder.connect(first + a, first + b, link, width);
    }
  }
  return Ok{};
}

Status join_racks(MachineBuilder& builder, const CatalogDevice& gpu, int gpus_per_node, const std::vector<int>& nodes) {
  if (gpu.shape != FabricShape::kRack) return Ok{};
  const size_t per_rack = static_cast<size_t>(gpu.fabric_devices / gpus_per_node);
  if (per_rack < 2) return Ok{};
  KERF_TRY(const int kind, builder.link_kind(gpu.bonded));
  for (size_t begin = 0; begin + 1 < nodes.size(); begin += per_rack) {
    const size_t end = std::min(nodes.size(), begin + per_rack);
    builder.join(
        fmt::format("{}-rack{}", gpu.bonded, begin / per_rack), kind, NetworkPorts::kPerDevice,
        {nodes.begin() + static_cast<std::ptrdiff_t>(begin), nodes.begin() + static_cast<std::ptrdiff_t>(end)});
  }
  return Ok{};
}

Result<MachineSpec> gpu_cluster(const ClusterShape& shape) {
  KERF_TRY_STATUS(check_counts(shape));
  KERF_TRY(const CatalogDevice gpu, find_catalog_device(shape.gpu));
  MachineBuilder builder;
  for (int node = 0; node < shape.nodes; ++node) {
    builder.add_node(shape.nodes == 1 ? "node" : fmt::format("node{}", node));
    KERF_TRY_STATUS(add_gpus(builder, node, gpu, shape.gpus_per_node));
  }
  builder.spec.name = fmt::format("{} x {} {}", shape.nodes, shape.gpus_per_node, gpu.kind.name);
  builder.spec.basis = gpu.shape == FabricShape::kNone ? Basis::kAssumed : gpu.kind.basis;
  builder.spec.notes.push_back("links inside a node are what is usual for this GPU; a topology file would say");
  if (shape.nodes > 1) {
    std::vector<int> nodes(static_cast<size_t>(shape.nodes));
    std::iota(nodes.begin(), nodes.end(), 0);
    KERF_TRY_STATUS(join_racks(builder, gpu, shape.gpus_per_node, nodes));
    KERF_TRY_STATUS(builder.join_by(shape.network.empty() ? gpu.network : shape.network, nodes));
  }
  return std::move(builder).finish();
}

}  // namespace kerf
