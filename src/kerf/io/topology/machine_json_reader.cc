// The reading half of machine_json.h.
#include <algorithm>
#include <functional>
#include <set>

#include "kerf/io/catalog/rows.h"
#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/host_json.h"
#include "kerf/io/topology/json_lists.h"
#include "kerf/io/topology/machine_builder.h"
#include "kerf/io/topology/machine_json.h"

namespace kerf {

namespace {

Result<RatePoint> read_rate_point(const JsonFields& row, const nlohmann::json& object) {
  KERF_TRY_STATUS(only_fields(object, row.where(), {"format", "rows", "gflops"}));
  RatePoint point;
  KERF_TRY(point.format, row.string("format"));
  KERF_TRY(point.rows, row.integer("rows", {1, int64_t{1} << 40}));
  KERF_TRY(point.gflops, row.number("gflops", kPositive));
  return point;
}

Result<DeviceKind> read_device_kind(const JsonFields& row, const nlohmann::json& object) {
  KERF_TRY_STATUS(
      only_fields(object, row.where(),
                  {"name", "memory_bytes", "memory_gb_per_s", "bf16_tflops", "fp8_tflops", "int8_tops", "fp4_tflops",
                   "usd_per_hour", "fabric", "compute_capability", "basis", "source", "matmul"}));
  DeviceKind kind;
  KERF_TRY(kind.name, row.string("name"));
  KERF_TRY(kind.memory_bytes, row.number("memory_bytes", kFigure, 0));
  KERF_TRY(kind.memory_gb_per_s, row.number("memory_gb_per_s", kFigure, 0));
  KERF_TRY(kind.bf16_tflops, row.number("bf16_tflops", kFigure, 0));
  KERF_TRY(kind.fp8_tflops, row.number("fp8_tflops", kFigure, 0));
  KERF_TRY(kind.int8_tops, row.number("int8_tops", kFigure, 0));
  KERF_TRY(kind.fp4_tflops, row.number("fp4_tflops", kFigure, 0));
  KERF_TRY(kind.usd_per_hour, row.number("usd_per_hour", kFigure, 0));
  KERF_TRY(kind.fabric, row.string("fabric", ""));
  KERF_TRY(kind.compute_capability, int_field(row, "compute_capability", {0, 999}, 0));
  KERF_TRY(kind.basis, basis_field(row));
  KERF_TRY(kind.source, row.string("source", ""));
  KERF_TRY_STATUS(each(row, "matmul", kMaxPoints, [&](const JsonFields& fields, const nlohmann::json& item) -> Status {
    KERF_TRY(RatePoint point, read_rate_point(fields, item));
    kind.matmul.push_back(std::move(point));
    return Ok{};
  }));
  return kind;
}

Result<LinkKind> read_link_kind(const JsonFields& row, const nlohmann::json& object) {
  KERF_TRY_STATUS(
      only_fields(object, row.where(), {"name", "gb_per_s", "gb_per_s_each", "latency_us", "fast", "basis", "source"}));
  LinkKind kind;
  KERF_TRY(kind.name, row.string("name"));
  KERF_TRY(kind.gb_per_s, row.number("gb_per_s", kPositive));
  KERF_TRY(kind.gb_per_s_each, row.number("gb_per_s_each", kFigure, 0));
  KERF_TRY(kind.latency_us, row.number("latency_us", kFigure));
  KERF_TRY(kind.fast, row.boolean("fast", false));
  KERF_TRY(kind.basis, basis_field(row));
  KERF_TRY(kind.source, row.string("source", ""));
  return kind;
}

// Fills one MachineSpec; names of kinds become places.
class Reader {
 public:
  explicit Reader(const JsonFields& root) : root_(root) {}

  Result<MachineSpec> read() {
    KERF_TRY(spec_.name, root_.string("name", ""));
    KERF_TRY(spec_.basis, basis_field(root_));
    KERF_TRY_STATUS(read_kinds());
    KERF_TRY(spec_.node_names, string_list(root_, "nodes"));
    if (spec_.node_names.empty() || spec_.node_names.size() > size_t{kMaxDevices}) {
      return root_.wrong("nodes", "a list of node names");
    }
    KERF_TRY_STATUS(each(root_, "devices", kMaxDevices,
                         [this](const auto& row, const auto& object) { return read_device(row, object); }));
    if (spec_.devices.empty()) return root_.wrong("devices", "a list of at least one device");
    KERF_TRY_STATUS(each(root_, "links", kMaxLinks,
                         [this](const auto& row, const auto& object) { return read_link(row, object); }));
    KERF_TRY_STATUS(each(root_, "networks", kMaxKinds,
                         [this](const auto& row, const auto& object) { return read_network(row, object); }));
    KERF_TRY_STATUS(each(root_, "nics", kMaxDevices,
                         [this](const auto& row, const auto& object) { return read_nic(row, object); }));
    KERF_TRY_STATUS(read_host());
    KERF_TRY(spec_.notes, string_list(root_, "notes"));
    find_domains(spec_);
    return std::move(spec_);
  }

 private:
  Status read_kinds() {
    KERF_TRY_STATUS(each(root_, "device_kinds", kMaxKinds, [this](const auto& row, const auto& object) -> Status {
      KERF_TRY(DeviceKind kind, read_device_kind(row, object));
      return add_kind(row, spec_.device_kinds, std::move(kind));
    }));
    return each(root_, "link_kinds", kMaxKinds, [this](const auto& row, const auto& object) -> Status {
      KERF_TRY(LinkKind kind, read_link_kind(row, object));
      return add_kind(row, spec_.link_kinds, std::move(kind));
    });
  }

  template <typename Kind>
  static Status add_kind(const JsonFields& row, std::vector<Kind>& kinds, Kind kind) {
    if (std::ranges::find(kinds, kind.name, &Kind::name) != kinds.end()) return row.wrong("name", "a name of its own");
    kinds.push_back(std::move(kind));
    return Ok{};
  }

  template <typename Kind>
  static Result<int> kind_field(const JsonFields& row, const std::vector<Kind>& kinds, const char* list) {
    KERF_TRY(const std::string name, row.string("kind"));
    const auto found = std::ranges::find(kinds, name, &Kind::name);
    if (found == kinds.end()) return row.wrong("kind", fmt::format("a name in '{}'", list));
    return static_cast<int>(found - kinds.begin());
  }

  Status read_device(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(only_fields(object, row.where(), {"index", "name", "kind", "node", "numa", "cpus"}));
    Device device;
    KERF_TRY(const int64_t index, row.integer("index", {0, kMaxDevices}, spec_.num_devices()));
    if (index != spec_.num_devices()) return row.wrong("index", fmt::format("its place, {}", spec_.num_devices()));
    KERF_TRY(device.name, row.string("name"));
    KERF_TRY(device.kind, kind_field(row, spec_.device_kinds, "device_kinds"));
    KERF_TRY(device.node, int_field(row, "node", {0, spec_.num_nodes() - 1}, 0));
    KERF_TRY(device.numa, int_field(row, "numa", {-1, kMaxNumaNode}, -1));
    KERF_TRY(device.cpus, row.string("cpus", ""));
    if (!spec_.devices.empty() && device.node < spec_.devices.back().node) {
      return row.wrong("node", "devices in the order of their nodes");
    }
    spec_.devices.push_back(std::move(device));
    return Ok{};
  }

  Status read_link(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(only_fields(object, row.where(), {"a", "b", "kind", "width", "gb_per_s", "latency_us"}));
    Link link;
    KERF_TRY(link.a, int_field(row, "a", {0, spec_.num_devices() - 1}));
    KERF_TRY(link.b, int_field(row, "b", {0, spec_.num_devices() - 1}));
    if (link.a >= link.b) return row.wrong("b", "a device after 'a'");
    if (spec_.devices[static_cast<size_t>(link.a)].node != spec_.devices[static_cast<size_t>(link.b)].node) {
      return row.wrong("b", "a device of the same node as 'a': networks join nodes");
    }
    if (!pairs_.insert({link.a, link.b}).second) return row.wrong("b", "each pair once");
    KERF_TRY(link.kind, kind_field(row, spec_.link_kinds, "link_kinds"));
    const LinkKind& kind = spec_.link_kinds[static_cast<size_t>(link.kind)];
    KERF_TRY(link.width, int_field(row, "width", {0, 1024}, 0));
    const double bandwidth = link.width > 0 && kind.gb_per_s_each > 0 ? link.width * kind.gb_per_s_each : kind.gb_per_s;
    KERF_TRY(link.gb_per_s, row.number("gb_per_s", kPositive, bandwidth));
    KERF_TRY(link.latency_us, row.number("latency_us", kFigure, kind.latency_us));
    spec_.links.push_back(link);
    return Ok{};
  }

  Status read_network(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(
        only_fields(object, row.where(), {"name", "kind", "nodes", "gb_per_s_node", "gb_per_s_device", "latency_us"}));
    Network network;
    KERF_TRY(network.name, row.string("name"));
    KERF_TRY(network.kind, kind_field(row, spec_.link_kinds, "link_kinds"));
    const LinkKind& kind = spec_.link_kinds[static_cast<size_t>(network.kind)];
    KERF_TRY(const std::vector<double> nodes, number_list(row, "nodes"));
    std::set<int> seen;
    for (const double node : nodes) {
      const bool whole = node < spec_.num_nodes() && node == static_cast<int>(node);
      if (!whole || !seen.insert(static_cast<int>(node)).second)
        return row.wrong("nodes", "places of nodes, each once");
      network.nodes.push_back(static_cast<int>(node));
    }
    KERF_TRY(network.gb_per_s_node, row.number("gb_per_s_node", kPositive, kind.gb_per_s));
    KERF_TRY(network.gb_per_s_device, row.number("gb_per_s_device", kPositive, kind.gb_per_s));
    KERF_TRY(network.latency_us, row.number("latency_us", kFigure, kind.latency_us));
    spec_.networks.push_back(std::move(network));
    return Ok{};
  }

  Status read_nic(const JsonFields& row, const nlohmann::json& object) {
    KERF_TRY_STATUS(only_fields(object, row.where(), {"name", "node", "paths"}));
    Nic nic;
    KERF_TRY(nic.name, row.string("name"));
    KERF_TRY(nic.node, int_field(row, "node", {0, spec_.num_nodes() - 1}, 0));
    KERF_TRY(nic.paths, string_list(row, "paths"));
    spec_.nics.push_back(std::move(nic));
    return Ok{};
  }

  Status read_host() {
    if (!root_.has("host")) return Ok{};
    KERF_TRY(const JsonFields host, root_.object("host"));
    KERF_TRY(spec_.host, read_host_figures(host, *root_.find("host")));
    return Ok{};
  }

  const JsonFields& root_;
  MachineSpec spec_;
  std::set<std::pair<int, int>> pairs_;
};

}  // namespace

Result<MachineSpec> parse_machine_json(std::string_view text, std::string_view where) {
  KERF_TRY(const nlohmann::json document, parse_json(text, where, {.max_depth = 16, .unique_names = true}));
  KERF_TRY(const JsonFields root, JsonFields::of(document, std::string(where)));
  if (!root.has("kerf_machine")) {
    return fail("{}: JSON, but not a machine of kerf's: 'kerf_machine' is missing; kerf probe writes one", where);
  }
  KERF_TRY_STATUS(only_fields(document, std::string(where),
                              {"kerf_machine", "name", "basis", "device_kinds", "link_kinds", "nodes", "devices",
                               "links", "networks", "nics", "domains", "domain_classes", "host", "notes"}));
  KERF_TRY_STATUS(root.integer("kerf_machine", {1, 1}));
  return Reader(root).read();
}

}  // namespace kerf
