#include "kerf/io/catalog/devices.h"

#include <algorithm>
#include <optional>

#include "kerf/io/catalog/names.h"
#include "kerf/io/catalog/rows.h"

namespace kerf {

namespace {

constexpr IntegerRange kLinks{1, 256};
constexpr IntegerRange kFabricDevices{1, 4096};

Result<FabricShape> shape_field(const JsonFields& fields) {
  KERF_TRY(const std::string name, fields.string("shape"));
  if (name == "switch") return FabricShape::kSwitch;
  if (name == "rack") return FabricShape::kRack;
  if (name == "mesh") return FabricShape::kMesh;
  if (name == "cube-mesh") return FabricShape::kCubeMesh;
  return fields.wrong("shape", "switch, rack, mesh or cube-mesh");
}

// {"kind": "NVLink4", "links": 18}, and of a fabric the shape and the number of devices it joins.
Status read_bonded(const JsonFields& row, CatalogDevice& device) {
  const std::string name = row.has("fabric") ? "fabric" : "bridge";
  if (!row.has(name)) return Ok{};
  KERF_TRY(const JsonFields bonded, row.object(name));
  KERF_TRY_STATUS(only_fields(*row.find(name), bonded.where(), {"kind", "shape", "links", "devices"}));
  KERF_TRY(device.bonded, bonded.string("kind"));
  KERF_TRY(const int64_t links, bonded.integer("links", kLinks));
  device.bonded_links = static_cast<int>(links);
  if (name == "bridge") return Ok{};
  device.kind.fabric = device.bonded;
  KERF_TRY(device.shape, shape_field(bonded));
  KERF_TRY(const int64_t devices, bonded.integer("devices", kFabricDevices));
  device.fabric_devices = static_cast<int>(devices);
  return Ok{};
}

Result<CatalogDevice> read_device(const nlohmann::json& object, const std::string& where) {
  KERF_TRY(const JsonFields row, JsonFields::of(object, where));
  KERF_TRY_STATUS(only_fields(object, where,
                              {"name", "aliases", "generation", "compute_capability", "memory_bytes", "memory_gb_per_s",
                               "bf16_tflops", "fp8_tflops", "int8_tops", "fp4_tflops", "fabric", "bridge", "pcie",
                               "network", "usd_per_hour", "basis", "source"}));
  CatalogDevice device;
  DeviceKind& kind = device.kind;
  KERF_TRY(kind.name, row.string("name"));
  KERF_TRY(device.aliases, string_list(row, "aliases"));
  KERF_TRY(device.generation, row.string("generation"));
  KERF_TRY(const int64_t capability, row.integer("compute_capability", {0, 999}, 0));
  kind.compute_capability = static_cast<int>(capability);
  KERF_TRY(kind.memory_bytes, row.number("memory_bytes", kPositive));
  KERF_TRY(kind.memory_gb_per_s, row.number("memory_gb_per_s", kPositive));
  KERF_TRY(kind.bf16_tflops, row.number("bf16_tflops", kPositive));
  KERF_TRY(kind.fp8_tflops, row.number("fp8_tflops", kFigure, 0));
  KERF_TRY(kind.int8_tops, row.number("int8_tops", kFigure, 0));
  KERF_TRY(kind.fp4_tflops, row.number("fp4_tflops", kFigure, 0));
  KERF_TRY(kind.usd_per_hour, row.number("usd_per_hour", kFigure, 0));
  KERF_TRY(device.pcie, row.string("pcie"));
  KERF_TRY(device.network, row.string("network"));
  KERF_TRY(kind.basis, basis_field(row));
  KERF_TRY(kind.source, row.string("source"));
  kind.fabric = device.pcie;
  KERF_TRY_STATUS(read_bonded(row, device));
  return device;
}

bool answers_to(const CatalogDevice& device, const std::string& plain) {
  return plain_name(device.kind.name) == plain ||
         std::ranges::any_of(device.aliases, [&](const std::string& alias) { return plain_name(alias) == plain; });
}

Result<std::vector<CatalogDevice>> read_devices() {
  KERF_TRY(const CatalogRows rows, read_catalog_rows("gpus.json", "gpus"));
  std::vector<CatalogDevice> devices;
  for (size_t i = 0; i < rows.list().size(); ++i) {
    KERF_TRY(CatalogDevice device, read_device(rows.list()[i], rows.where(i)));
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace

Result<std::vector<CatalogDevice>> catalog_devices() { return read_once(read_devices); }

Result<CatalogDevice> find_catalog_device(std::string_view name) {
  KERF_TRY(std::vector<CatalogDevice> devices, catalog_devices());
  const std::string plain = plain_name(name);
  for (CatalogDevice& device : devices) {
    if (answers_to(device, plain)) return std::move(device);
  }
  std::vector<std::string> known;
  for (const CatalogDevice& device : devices) known.push_back(device.kind.name);
  return unknown_name("GPU", "gpus.json", name, known);
}

Result<DeviceKind> find_device(std::string_view name) {
  KERF_TRY(CatalogDevice device, find_catalog_device(name));
  return std::move(device.kind);
}

}  // namespace kerf
