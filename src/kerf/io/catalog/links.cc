// catalog/links.json.
#include <algorithm>

#include "kerf/io/catalog/devices.h"
#include "kerf/io/catalog/names.h"
#include "kerf/io/catalog/rows.h"

namespace kerf {

namespace {

constexpr IntegerRange kCount{1, 1'000'000};
constexpr const char* kPaths[] = {"PIX", "PXB", "PHB", "NODE", "SYS"};

Result<LinkMeasurement> read_measurement(const nlohmann::json& object, const std::string& where) {
  KERF_TRY(const JsonFields row, JsonFields::of(object, where));
  KERF_TRY_STATUS(only_fields(
      object, where, {"op", "library", "device", "path", "devices", "nodes", "bytes", "us", "busbw_gb_per_s"}));
  LinkMeasurement measured;
  KERF_TRY(measured.op, row.string("op"));
  KERF_TRY(measured.library, row.string("library"));
  KERF_TRY(measured.device, row.string("device", ""));
  KERF_TRY(measured.path, row.string("path", ""));
  KERF_TRY(const int64_t devices, row.integer("devices", kCount));
  KERF_TRY(const int64_t nodes, row.integer("nodes", kCount, 1));
  measured.devices = static_cast<int>(devices);
  measured.nodes = static_cast<int>(nodes);
  KERF_TRY(measured.bytes, row.number("bytes", kPositive));
  KERF_TRY(measured.us, row.number("us", kFigure, 0));
  KERF_TRY(measured.busbw_gb_per_s, row.number("busbw_gb_per_s", kFigure, 0));
  return measured;
}

Result<NetworkPorts> ports_field(const JsonFields& row) {
  KERF_TRY(const std::string name, row.string("network", ""));
  if (name.empty()) return NetworkPorts::kNone;
  if (name == "per_node") return NetworkPorts::kPerNode;
  if (name == "per_device") return NetworkPorts::kPerDevice;
  return row.wrong("network", "per_node or per_device");
}

Result<CatalogLink> read_link(const nlohmann::json& object, const std::string& where) {
  KERF_TRY(const JsonFields row, JsonFields::of(object, where));
  KERF_TRY_STATUS(only_fields(object, where,
                              {"name", "aliases", "gb_per_s", "gb_per_s_each", "latency_us", "fast", "network", "basis",
                               "source", "paths", "paths_source", "measured", "measured_source"}));
  CatalogLink link;
  KERF_TRY(link.kind.name, row.string("name"));
  KERF_TRY(link.aliases, string_list(row, "aliases"));
  KERF_TRY(link.kind.gb_per_s, row.number("gb_per_s", kPositive));
  KERF_TRY(link.kind.gb_per_s_each, row.number("gb_per_s_each", kFigure, 0));
  KERF_TRY(link.kind.latency_us, row.number("latency_us", kFigure));
  KERF_TRY(link.kind.fast, row.boolean("fast", false));
  KERF_TRY(link.ports, ports_field(row));
  KERF_TRY(link.kind.basis, basis_field(row));
  KERF_TRY(link.kind.source, row.string("source"));
  KERF_TRY(link.measured_source, row.string("measured_source", ""));
  if (const nlohmann::json* list = row.find("measured")) {
    if (!list->is_array()) return row.wrong("measured", "a list");
    for (size_t i = 0; i < list->size(); ++i) {
      KERF_TRY(LinkMeasurement measured, read_measurement((*list)[i], fmt::format("{}: measured[{}]", where, i)));
      link.measured.push_back(std::move(measured));
    }
  }
  return link;
}

// The classes of path that nvidia-smi tells apart, each a kind of its own.
Status read_paths(const nlohmann::json& object, const std::string& where, const LinkKind& plain,
                  std::vector<CatalogLink>& links) {
  if (!object.contains("paths")) return Ok{};
  KERF_TRY(const JsonFields row, JsonFields::of(object, where));
  KERF_TRY(const JsonFields paths, row.object("paths"));
  KERF_TRY_STATUS(only_fields(object.at("paths"), paths.where(), {"PIX", "PXB", "PHB", "NODE", "SYS"}));
  for (const char* name : kPaths) {
    KERF_TRY(const JsonFields path, paths.object(name));
    KERF_TRY_STATUS(only_fields(*paths.find(name), path.where(), {"gb_per_s", "latency_us"}));
    CatalogLink link{.kind = {.name = plain.name + "-" + name, .basis = Basis::kAssumed}};
    KERF_TRY(link.kind.gb_per_s, path.number("gb_per_s", kPositive));
    KERF_TRY(link.kind.latency_us, path.number("latency_us", kFigure));
    KERF_TRY(link.kind.source, row.string("paths_source"));
    links.push_back(std::move(link));
  }
  return Ok{};
}

Result<std::vector<CatalogLink>> read_links() {
  KERF_TRY(const CatalogRows rows, read_catalog_rows("links.json", "links"));
  std::vector<CatalogLink> links;
  for (size_t i = 0; i < rows.list().size(); ++i) {
    KERF_TRY(CatalogLink link, read_link(rows.list()[i], rows.where(i)));
    const LinkKind plain = link.kind;
    links.push_back(std::move(link));
    KERF_TRY_STATUS(read_paths(rows.list()[i], rows.where(i), plain, links));
  }
  return links;
}

}  // namespace

Result<std::vector<CatalogLink>> catalog_links() { return read_once(read_links); }

Result<CatalogLink> find_catalog_link(std::string_view name) {
  KERF_TRY(std::vector<CatalogLink> links, catalog_links());
  const std::string plain = plain_name(name);
  std::vector<std::string> known;
  for (CatalogLink& link : links) {
    const bool found =
        plain_name(link.kind.name) == plain ||
        std::ranges::any_of(link.aliases, [&](const std::string& alias) { return plain_name(alias) == plain; });
    if (found) return std::move(link);
    known.push_back(link.kind.name);
  }
  return unknown_name("link", "links.json", name, known);
}

Result<LinkKind> find_link(std::string_view name) {
  KERF_TRY(CatalogLink link, find_catalog_link(name));
  return std::move(link.kind);
}

}  // namespace kerf
