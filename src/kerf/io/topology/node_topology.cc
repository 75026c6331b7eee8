#include "kerf/io/topology/node_topology.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "kerf/io/json.h"
#include "kerf/io/topology/machine_builder.h"

namespace kerf {

namespace {

constexpr int kMaxWidth = 64;
constexpr const char* kUnknownGpu = "unknown-GPU";

struct PathName {
  std::string_view name;
  PathClass path;
};
constexpr PathName kPathNames[] = {{"X", PathClass::kSelf},  {"PIX", PathClass::kPix},   {"PXB", PathClass::kPxb},
                                   {"PHB", PathClass::kPhb}, {"NODE", PathClass::kNode}, {"SYS", PathClass::kSys},
                                   {"SOC", PathClass::kSys}};

int most_links(const NodeTopology& topology) {
  return topology.paths.empty() ? 0 : std::ranges::max(topology.paths, {}, &NodePath::width).width;
}

// Whether no GPU has bonded links to more than one other.
bool pairs_only(const NodeTopology& topology) {
  for (size_t a = 0; a < topology.gpus.size(); ++a) {
    int bonded = 0;
    for (size_t b = 0; b < topology.gpus.size(); ++b) bonded += topology.at(a, b).path == PathClass::kBonded ? 1 : 0;
    if (bonded > 1) return false;
  }
  return true;
}

// What the number of links lets one guess of a GPU that nobody named.
CatalogDevice guess(const NodeTopology& topology) {
  const int links = most_links(topology);
  CatalogDevice device{.pcie = "PCIe4"};
  device.kind.name = kUnknownGpu;
  device.kind.source = "the topology does not say which GPU it is";
  if (topology.amd) {
    device.bonded = links > 0 ? "xGMI-MI300" : "";
    device.pcie = "PCIe5";
  } else if (links > 12) {
    device.bonded = "NVLink4";
    device.pcie = "PCIe5";
  } else if (links > 6) {
    device.bonded = "NVLink3";
  } else if (links == 4 && pairs_only(topology)) {
    device.bonded = "NVLink3-GA102";
  } else if (links > 0) {
    device.bonded = "NVLink2";
    device.pcie = "PCIe3";
  }
  device.kind.fabric = device.bonded.empty() ? device.pcie : device.bonded;
  return device;
}

std::string guess_note(const NodeTopology& topology, const CatalogDevice& device) {
  const int links = most_links(topology);
  const std::string paths = links == 0     ? fmt::format("paths are taken as {}", device.pcie)
                            : topology.amd ? fmt::format("xGMI is taken as {}", device.bonded)
                                           : fmt::format("NV{} is taken as {}", links, device.bonded);
  return fmt::format("which GPU this is is not said: {}; --gpu NAME says it", paths);
}

// The catalogue's device for the i-th GPU; none when neither `gpu` nor the model tells.
Result<std::optional<CatalogDevice>> device_of(const NodeGpu& node_gpu, const std::string& gpu) {
  if (!gpu.empty()) {
    KERF_TRY(CatalogDevice device, find_catalog_device(gpu));
    return std::optional(std::move(device));
  }
  if (node_gpu.model.empty()) return std::optional<CatalogDevice>();
  auto found = find_catalog_device(node_gpu.model);
  return found.ok() ? std::optional(std::move(*found)) : std::nullopt;
}

// The kind and width of the link that a path is.
struct PathLink {
  std::string kind;
  int width = 0;
};

PathLink link_of(const NodePath& path, const CatalogDevice& device, const CatalogDevice& guessed) {
  if (path.path != PathClass::kBonded) return {fmt::format("{}-{}", device.pcie, name_of(path.path)), 0};
  if (device.bonded.empty()) return {guessed.bonded, path.width};
  // rocm-smi does not count links.
  const bool uncounted = device.shape == FabricShape::kMesh && path.width == 1;
  return {device.bonded, uncounted ? device.bonded_links : path.width};
}

}  // namespace

NodePath path_from_name(std::string_view name) {
  for (const PathName& known : kPathNames) {
    if (known.name == name) return {.path = known.path};
  }
  int width = 0;
  if (!name.starts_with("NV")) return {};
  const auto [end, error] = std::from_chars(name.data() + 2, name.data() + name.size(), width);
  if (error != std::errc() || end != name.data() + name.size() || width < 1 || width > kMaxWidth) return {};
  return {.path = PathClass::kBonded, .width = width};
}

std::string_view name_of(PathClass path) {
  if (path == PathClass::kBonded) return "NV#";
  const auto found = std::ranges::find(kPathNames, path, &PathName::path);
  return found == std::end(kPathNames) ? "?" : found->name;
}

Result<MachineSpec> machine_of(const NodeTopology& topology, const std::string& gpu) {
  MachineBuilder builder;
  builder.add_node("node");
  const CatalogDevice guessed = guess(topology);
  std::vector<CatalogDevice> devices;
  for (const NodeGpu& node_gpu : topology.gpus) {
    KERF_TRY(std::optional<CatalogDevice> known, device_of(node_gpu, gpu));
    if (!known) {
      const std::string note =
          node_gpu.model.empty()
              ? guess_note(topology, guessed)
              : fmt::format("the catalogue has no '{}'; --gpu NAME says which GPU it is like", shown(node_gpu.model));
      if (std::ranges::find(builder.spec.notes, note) == builder.spec.notes.end()) builder.spec.notes.push_back(note);
    }
    devices.push_back(known ? std::move(*known) : guessed);
    builder.spec.devices.push_back({.name = node_gpu.name,
                                    .kind = builder.device_kind(devices.back().kind),
                                    .node = 0,
                                    .numa = node_gpu.numa,
                                    .cpus = node_gpu.cpus});
  }
  for (size_t a = 0; a < devices.size(); ++a) {
    for (size_t b = a + 1; b < devices.size(); ++b) {
      const PathLink link = link_of(topology.at(a, b), devices[a], guessed);
      KERF_TRY(const int kind, builder.link_kind(link.kind));
      builder.connect(static_cast<int>(a), static_cast<int>(b), kind, link.width);
    }
  }
  if (most_links(topology) > 0 && devices[0].bonded.empty()) {
    builder.spec.notes.push_back(
        fmt::format("{} has no NVLink or xGMI in the catalogue, but the topology shows some: "
                    "they are taken as {}",
                    devices[0].kind.name, guessed.bonded));
  }
  const auto is_unknown = [](const DeviceKind& kind) { return kind.name == kUnknownGpu; };
  builder.spec.basis = std::ranges::any_of(builder.spec.device_kinds, is_unknown) ? Basis::kAssumed : Basis::kPublished;
  builder.spec.nics = topology.nics;
  builder.spec.name = fmt::format("{} x {}", devices.size(), devices.empty() ? "" : devices[0].kind.name);
  return std::move(builder).finish();
}

}  // namespace kerf
