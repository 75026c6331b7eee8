// What must hold of any machine that a parser of topologies accepted.
#pragma once

#include <nlohmann/json.hpp>
#include <numeric>

#include "kerf/base/check.h"
#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/group_links.h"
#include "kerf/io/topology/machine_json.h"

namespace kerf {

inline void check_machine(const MachineSpec& machine) {
  KERF_CHECK(machine.num_devices() > 0 && machine.num_nodes() > 0);
  size_t in_domains = 0;
  for (const auto& domain : machine.domains) {
    KERF_CHECK(!name_of(classify_domain(machine, domain)).empty());
    in_domains += domain.size();
  }
  KERF_CHECK(in_domains == machine.devices.size());
  for (const Link& link : machine.links) {
    KERF_CHECK(link.a >= 0 && link.a < link.b && link.b < machine.num_devices() && link.gb_per_s > 0);
  }
  if (machine.num_devices() <= 64) {
    std::vector<int> all(machine.devices.size());
    std::iota(all.begin(), all.end(), 0);
    KERF_CHECK(group_link(machine, all).gb_per_s >= 0);
    const auto again = parse_machine_json(machine_to_json(machine).dump(), "again");
    KERF_CHECK(again.ok(), again.ok() ? "" : again.error().message);
    KERF_CHECK(*again == machine);
  }
}

}  // namespace kerf
