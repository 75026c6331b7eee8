// MachineBuilder: puts a MachineSpec together from catalogue names; what every reader of a topology shares.
#pragma once

#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/catalog/devices.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// Bounds of what is read: far above any machine, low enough that no file makes kerf allocate without end.
inline constexpr int kMaxDevices = 16384;
inline constexpr int kMaxDevicesPerNode = 256;
inline constexpr int kMaxNumaNode = 1 << 20;
inline constexpr size_t kMaxLinks = 4'000'000;

class MachineBuilder {
 public:
  MachineSpec spec;

  // The index of the link kind of that name, added from the catalogue when it is not there yet.
  [[nodiscard]] Result<int> link_kind(std::string_view name);
  int device_kind(const DeviceKind& kind);  // the same for a device kind, by its name
  int add_node(std::string name);

  // Takes over a machine that was read by itself, as one more node (its own nodes where it has several).
  // name: of the node; empty = its own
  [[nodiscard]] Status append(const MachineSpec& machine, const std::string& name);

  // Joins two devices. width counts bonded links (NV#); 0 = the kind's whole bandwidth.
  void connect(int a, int b, int kind, int width = 0);
  // Joins nodes: `ports` per device or per node, each with the kind's bandwidth.
  void join(std::string name, int kind, NetworkPorts ports, std::vector<int> nodes);

  // As join(), with a node's bandwidth stated.
  void join(Network network) { spec.networks.push_back(std::move(network)); }
  // Joins nodes by a link of the catalogue that goes between nodes, with a port per network card that is known of,
  // or as many as are usual.
  [[nodiscard]] Status join_by(const std::string& link, std::vector<int> nodes);

  // Finds domains and hands the machine over; of several nodes, each device gets its node's name before its own.
  [[nodiscard]] MachineSpec finish() &&;
};

}  // namespace kerf
