// A loaded hwloc topology, and the few questions that kerf asks it.
#pragma once

#include <hwloc.h>

#include <memory>
#include <string>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct HwlocDeleter {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using HwlocHandle = std::unique_ptr<hwloc_topology, HwlocDeleter>;

// xml: empty = the running machine.
[[nodiscard]] Result<HwlocHandle> load_hwloc(const std::string& xml, const std::string& where);

// All objects of a type, in logical order.
[[nodiscard]] std::vector<hwloc_obj_t> objects_of(hwloc_topology_t topology, hwloc_obj_type_t type);

// "0-31,64-95"
[[nodiscard]] std::string list_of(hwloc_const_bitmap_t set);

// An object's info by name; empty when it has none.
[[nodiscard]] std::string info_of(hwloc_obj_t object, const char* name);

}  // namespace kerf
