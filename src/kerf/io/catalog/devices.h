// The GPUs and links that kerf knows: catalog/gpus.json and catalog/links.json, read strictly.
//
// Names are compared by letters and digits alone, and a vendor's own name serves too: "h100-sxm", "H100", "NVIDIA H100
// 80GB HBM3" are one. An unknown name's error lists what comes near, or everything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// How a GPU's own fabric joins the devices of a box when nothing says otherwise.
enum class FabricShape : uint8_t {
  kNone,      // a card: PCIe alone, unless a topology shows a bridge
  kSwitch,    // NVSwitch: each device's whole bandwidth towards any other
  kRack,      // a switch beyond nodes: NVL72
  kMesh,      // a link of its own between any two devices
  kCubeMesh,  // DGX-1: two quads, joined corner to corner
};

struct CatalogDevice {
  DeviceKind kind;
  std::vector<std::string> aliases;
  std::string generation;  // "Hopper"
  std::string pcie;        // link kind of its slot: "PCIe5"
  std::string network;     // what such machines are usually joined by: "InfiniBand-NDR"
  FabricShape shape = FabricShape::kNone;
  int fabric_devices = 1;  // most devices that one fabric joins: 8 on a baseboard, 72 in an NVL72 rack
  std::string bonded;      // the link kind that NV# or xGMI counts: "NVLink4"; empty = has none
  int bonded_links = 0;    // shape kMesh: links between two devices; otherwise all links of one device
};

// A published figure of a link in use.
struct LinkMeasurement {
  std::string op;       // "all_reduce", "send_recv"
  std::string library;  // "nccl", "vllm graph", "trtllm", with what else matters
  std::string device;   // empty = of the link's generation
  std::string path;     // PCIe: "PIX", "NODE", …
  int devices = 2;      // of all nodes together
  int nodes = 1;
  double bytes = 0;
  double us = 0;              // 0 = not stated
  double busbw_gb_per_s = 0;  // as nccl-tests counts; 0 = not stated
};

// Whether a link joins nodes, and how many of it a node has when nothing says otherwise.
enum class NetworkPorts : uint8_t { kNone, kPerNode, kPerDevice };

struct CatalogLink {
  LinkKind kind;
  std::vector<std::string> aliases;
  NetworkPorts ports = NetworkPorts::kNone;
  std::vector<LinkMeasurement> measured;
  std::string measured_source;
};

// In the file's order. A PCIe generation gives its plain link ("PCIe4") and one kind per class of path ("PCIe4-PIX",
// -PXB, -PHB, -NODE, -SYS); measurements are with the plain one.
[[nodiscard]] Result<std::vector<CatalogDevice>> catalog_devices();
[[nodiscard]] Result<std::vector<CatalogLink>> catalog_links();

[[nodiscard]] Result<CatalogDevice> find_catalog_device(std::string_view name);
[[nodiscard]] Result<CatalogLink> find_catalog_link(std::string_view name);
[[nodiscard]] Result<DeviceKind> find_device(std::string_view name);
[[nodiscard]] Result<LinkKind> find_link(std::string_view name);

}  // namespace kerf
