// NodeTopology: the GPUs of one node and the path between any two, as management tools print them; the common form of
// nvidia-smi topo -m, rocm-smi --showtopo and hwloc, before the catalogue says what the paths are worth.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/catalog/devices.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

enum class PathClass : uint8_t {
  kUnknown,
  kSelf,
  kBonded,  // NVLink or xGMI; `width` of them
  kPix,     // at most one PCIe bridge
  kPxb,     // several PCIe bridges
  kPhb,     // a PCIe host bridge
  kNode,    // host bridges within a NUMA node
  kSys,     // the interconnect between NUMA nodes (SOC in old drivers)
};

struct NodePath {
  PathClass path = PathClass::kUnknown;
  int width = 0;
  bool operator==(const NodePath&) const = default;
};

struct NodeGpu {
  std::string name;   // "GPU0"
  std::string model;  // "NVIDIA A100-SXM4-80GB"; empty = not told
  int numa = -1;
  std::string cpus;
};

struct NodeTopology {
  std::vector<NodeGpu> gpus;
  std::vector<NodePath> paths;  // [gpus, gpus], symmetric
  std::vector<Nic> nics;
  bool amd = false;  // bonded links are xGMI

  [[nodiscard]] NodePath& at(size_t a, size_t b) { return paths[a * gpus.size() + b]; }
  [[nodiscard]] const NodePath& at(size_t a, size_t b) const { return paths[a * gpus.size() + b]; }
};

// "PIX" → kPix …; "NV12" → kBonded, 12; "SOC" → kSys; kUnknown for anything else.
[[nodiscard]] NodePath path_from_name(std::string_view name);
[[nodiscard]] std::string_view name_of(PathClass path);

// A machine of one node. What the devices are comes from `gpu` (a name of the catalogue), else from their models, else
// from the number of their links, and then a note says so.
[[nodiscard]] Result<MachineSpec> machine_of(const NodeTopology& topology, const std::string& gpu);

}  // namespace kerf
