// Fast-fabric domains: which devices NVLink, xGMI or the like join, whatever node they are in.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "kerf/spec/machine_spec.h"

namespace kerf {

// Fills machine.domains from its links and networks: the connected components over kinds that are fast. Largest first,
// then by first device; devices ascend. O(devices + links).
void find_domains(MachineSpec& machine);

enum class DomainClass : uint8_t {
  kSingle,    // no fast link
  kPair,      // two devices: a bridge, or two of a board
  kSwitch,    // NVSwitch: any two at the whole bandwidth
  kMesh,      // any two by a link of their own
  kCubeMesh,  // connected, but not any two directly
  kRack,      // across nodes: NVL72
};

// REQUIRES: domain is one of machine.domains
[[nodiscard]] DomainClass classify_domain(const MachineSpec& machine, const std::vector<int>& domain);

// "switch", "pair", …: for JSON and for messages.
[[nodiscard]] std::string_view name_of(DomainClass domain_class);

}  // namespace kerf
