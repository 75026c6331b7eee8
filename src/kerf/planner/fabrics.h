// Fabrics and networks as the field measured them, from catalog/collectives.json.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/collectives.h"

namespace kerf {

// What programs reach over a network, of its line rate.
struct NetworkFigures {
  std::string prefix;  // of the link kind's name: "InfiniBand-HDR", "Ethernet"
  double latency_s = 0;
  double send_latency_s = 0;
  double bandwidth_share = 0.9;
  double send_bandwidth_share = 0.9;
};

class FabricCatalog {
 public:
  static Result<FabricCatalog> read();

  // Measured on this device, else on another that has the same link; nullptr when nobody measured it. link: a link
  // kind's name, "NVLink4" or "PCIe4-PHB".
  [[nodiscard]] const Fabric* find(std::string_view link, std::string_view device) const;
  // The longest prefix that matches; figures of a plain network where none does.
  [[nodiscard]] NetworkFigures network(std::string_view link) const;
  // What any collective costs beside the wires' latencies, where nothing was measured.
  [[nodiscard]] double base_latency_s() const { return base_latency_s_; }

 private:
  struct Entry {
    Fabric fabric;
    std::vector<std::string> devices;
    bool any_device = false;
  };
  std::vector<std::shared_ptr<const Entry>> entries_;
  std::vector<NetworkFigures> networks_;
  double base_latency_s_ = 0;

  static Result<Entry> read_entry(const void* json);
};

// 1 = PIX … 5 = SYS from a link kind's name ("PCIe4-PHB"), 0 where it has no such part.
[[nodiscard]] int pcie_path(std::string_view link);

}  // namespace kerf
