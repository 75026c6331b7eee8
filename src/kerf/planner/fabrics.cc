#include "kerf/planner/fabrics.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "kerf/io/catalog/files.h"
#include "kerf/io/json.h"

namespace kerf {

namespace {

constexpr std::string_view kFile = "collectives.json";
constexpr double kMicro = 1e-6;
constexpr double kGiga = 1e9;
constexpr NumberRange kNotNegative{0, 1e15, "a number that is not negative"};
constexpr NumberRange kShare{1e-3, 1, "a share of the line rate"};
constexpr std::array<std::string_view, 5> kPaths{"PIX", "PXB", "PHB", "NODE", "SYS"};
constexpr std::array kOps{CollectiveOp::kAllReduce, CollectiveOp::kAllGather, CollectiveOp::kReduceScatter,
                          CollectiveOp::kAllToAll};

// A list of two numbers. A fitted latency may be below 0 where its segment begins far to the right.
Result<std::array<double, 2>> read_pair(const JsonFields& fields, std::string_view name, double unit) {
  const nlohmann::json* list = fields.find(name);
  if (list == nullptr || !list->is_array() || list->size() != 2 || !(*list)[0].is_number() || !(*list)[1].is_number()) {
    return fields.wrong(name, "two numbers");
  }
  return std::array<double, 2>{(*list)[0].get<double>() * unit, (*list)[1].get<double>() * unit};
}

Result<MeasuredSegments> read_row(const nlohmann::json& object, const std::string& where) {
  KERF_TRY(const JsonFields fields, JsonFields::of(object, where));
  MeasuredSegments row;
  KERF_TRY(const int64_t ranks, fields.integer("ranks", {2, 1 << 20}));
  row.ranks = static_cast<int>(ranks);
  KERF_TRY(const std::string path, fields.string("path", ""));
  row.path = pcie_path("-" + path);
  KERF_TRY(row.split_bytes, fields.number("split_bytes", kNotNegative));
  KERF_TRY(row.latency_s, read_pair(fields, "latency_us", kMicro));
  KERF_TRY(row.bus_bytes_per_s, read_pair(fields, "bus_gb_per_s", kGiga));
  return row;
}

Result<CollectiveFamily> read_family(std::string_view name, const nlohmann::json& object, const std::string& where) {
  CollectiveFamily family{.name = std::string(name), .ops = {}};
  for (const CollectiveOp op : kOps) {
    const auto rows = object.find(name_of(op));
    if (rows == object.end()) continue;
    for (const nlohmann::json& row : *rows) {
      KERF_TRY(MeasuredSegments segments, read_row(row, where));
      family.ops[static_cast<size_t>(op)].push_back(segments);
    }
    std::ranges::sort(family.ops[static_cast<size_t>(op)], {}, &MeasuredSegments::ranks);
  }
  return family;
}

Result<NetworkFigures> read_network(const nlohmann::json& object) {
  KERF_TRY(const JsonFields fields, JsonFields::of(object, fmt::format("{}: a network", kFile)));
  NetworkFigures figures;
  KERF_TRY(figures.prefix, fields.string("network"));
  KERF_TRY(figures.latency_s, fields.number("latency_us", kNotNegative));
  KERF_TRY(figures.send_latency_s, fields.number("send_latency_us", kNotNegative));
  KERF_TRY(figures.bandwidth_share, fields.number("bandwidth_share", kShare));
  KERF_TRY(figures.send_bandwidth_share, fields.number("send_bandwidth_share", kShare));
  figures.latency_s *= kMicro;
  figures.send_latency_s *= kMicro;
  return figures;
}

}  // namespace

int pcie_path(std::string_view link) {
  const size_t dash = link.rfind('-');
  if (dash == std::string_view::npos) return 0;
  const auto path = std::ranges::find(kPaths, link.substr(dash + 1));
  return path == kPaths.end() ? 0 : static_cast<int>(path - kPaths.begin()) + 1;
}

Result<FabricCatalog::Entry> FabricCatalog::read_entry(const void* json) {
  const auto& object = *static_cast<const nlohmann::json*>(json);
  const std::string where = fmt::format("{}: fabric '{}'", kFile, object.value("fabric", "?"));
  KERF_TRY(const JsonFields fields, JsonFields::of(object, where));
  Entry entry;
  KERF_TRY(entry.fabric.name, fields.string("fabric"));
  KERF_TRY(entry.fabric.bytes_per_s, fields.number("gb_per_s", kPositive));
  entry.fabric.bytes_per_s *= kGiga;
  KERF_TRY(entry.any_device, fields.boolean("default", false));
  if (const nlohmann::json* devices = fields.find("devices"); devices != nullptr && devices->is_array()) {
    for (const nlohmann::json& device : *devices) {
      if (device.is_string()) entry.devices.push_back(device.get<std::string>());
    }
  }
  if (fields.has("in_switch")) {
    KERF_TRY(const JsonFields in_switch, fields.object("in_switch"));
    KERF_TRY(const double latency_us, in_switch.number("latency_us", kNotNegative));
    KERF_TRY(const double gb_per_s, in_switch.number("gb_per_s", kPositive));
    entry.fabric.switch_latency_s = latency_us * kMicro;
    entry.fabric.switch_bytes_per_s = gb_per_s * kGiga;
  }
  const nlohmann::json* families = fields.find("families");
  if (families == nullptr || !families->is_object()) return fields.wrong("families", "an object");
  for (const auto& [name, ops] : families->items()) {
    KERF_TRY(CollectiveFamily family, read_family(name, ops, fmt::format("{}, {}", where, name)));
    entry.fabric.families.push_back(std::move(family));
  }
  return entry;
}

Result<FabricCatalog> FabricCatalog::read() {
  KERF_TRY(const std::string text, read_catalog_file(kFile));
  KERF_TRY(const nlohmann::json file, parse_json(text, kFile));
  KERF_TRY(const JsonFields fields, JsonFields::of(file, std::string(kFile)));
  FabricCatalog catalog;
  KERF_TRY(const JsonFields algorithms, fields.object("algorithms"));
  KERF_TRY(const double base_us, algorithms.number("base_latency_us", kNotNegative));
  catalog.base_latency_s_ = base_us * kMicro;
  for (const char* list : {"networks", "fabrics"}) {
    if (fields.find(list) == nullptr || !fields.find(list)->is_array()) return fields.wrong(list, "a list");
  }
  for (const nlohmann::json& object : *fields.find("networks")) {
    KERF_TRY(NetworkFigures network, read_network(object));
    catalog.networks_.push_back(std::move(network));
  }
  for (const nlohmann::json& object : *fields.find("fabrics")) {
    KERF_TRY(Entry entry, read_entry(&object));
    catalog.entries_.push_back(std::make_shared<const Entry>(std::move(entry)));
  }
  return catalog;
}

const Fabric* FabricCatalog::find(std::string_view link, std::string_view device) const {
  const Fabric* other = nullptr;
  for (const auto& entry : entries_) {
    const std::string& name = entry->fabric.name;
    const bool same_link = link == name || (link.starts_with(name) && link[name.size()] == '-' && pcie_path(link) > 0);
    if (!same_link) continue;
    if (std::ranges::find(entry->devices, device) != entry->devices.end()) return &entry->fabric;
    if (entry->any_device) other = &entry->fabric;
  }
  return other;
}

NetworkFigures FabricCatalog::network(std::string_view link) const {
  NetworkFigures best{.prefix = "", .latency_s = 20e-6, .send_latency_s = 20e-6};
  for (const NetworkFigures& network : networks_) {
    if (link.starts_with(network.prefix) && network.prefix.size() > best.prefix.size()) best = network;
  }
  return best;
}

}  // namespace kerf
