#include "kerf/io/topology/hwloc_handle.h"

#include <cstdlib>

#include "kerf/io/json.h"

namespace kerf {

namespace {

// hwloc 2 refuses an export of hwloc 3 by its version alone, though it understands what kerf asks for.
std::string as_version_2(std::string xml) {
  const size_t at = xml.substr(0, 4096).find("<topology version=\"3.");
  if (at != std::string::npos) xml.replace(at, 21, "<topology version=\"2.");
  return xml;
}

}  // namespace

Result<HwlocHandle> load_hwloc(const std::string& xml, const std::string& where) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return fail("{}: hwloc cannot be started", where);
  HwlocHandle topology(raw);
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (!xml.empty()) {
    const std::string text = as_version_2(xml);
    if (text.size() >= size_t{64} << 20 ||
        hwloc_topology_set_xmlbuffer(raw, text.c_str(), static_cast<int>(text.size()) + 1) != 0) {
      return fail("{}: hwloc cannot read this XML; export it anew with lstopo machine.xml", where);
    }
    if (hwloc_topology_load(raw) != 0) {
      return fail("{}: hwloc cannot read this XML; export it anew with lstopo machine.xml", where);
    }
  } else if (hwloc_topology_load(raw) != 0) {
    return fail("{}: hwloc cannot read the topology of this machine", where);
  }
  return topology;
}

std::vector<hwloc_obj_t> objects_of(hwloc_topology_t topology, hwloc_obj_type_t type) {
  std::vector<hwloc_obj_t> objects;
  for (hwloc_obj_t object = nullptr; (object = hwloc_get_next_obj_by_type(topology, type, object)) != nullptr;) {
    objects.push_back(object);
  }
  return objects;
}

std::string list_of(hwloc_const_bitmap_t set) {
  if (set == nullptr || hwloc_bitmap_weight(set) < 0) return {};
  char* text = nullptr;
  if (hwloc_bitmap_list_asprintf(&text, set) < 0) return {};
  std::string list = text;
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): hwloc's
  return list;
}

std::string info_of(hwloc_obj_t object, const char* name) {
  const char* value = object == nullptr ? nullptr : hwloc_obj_get_info_by_name(object, name);
  return value == nullptr ? std::string() : shown(value);
}

}  // namespace kerf
