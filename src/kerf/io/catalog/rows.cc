#include "kerf/io/catalog/rows.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace kerf {

Status only_fields(const nlohmann::json& object, const std::string& where,
                   std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return fail("{}: {}; expected an object", where, describe(object));
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    return fail("{}: unknown field '{}'; expected {}", where, shown(name), fmt::join(known, ", "));
  }
  return Ok{};
}

Result<std::vector<std::string>> string_list(const JsonFields& fields, std::string_view name) {
  std::vector<std::string> list;
  const nlohmann::json* value = fields.find(name);
  if (value == nullptr) return list;
  if (!value->is_array()) return fields.wrong(name, "a list of strings");
  for (const nlohmann::json& item : *value) {
    if (!item.is_string()) return fields.wrong(name, "a list of strings");
    list.push_back(item.get<std::string>());
  }
  return list;
}

Result<Basis> basis_field(const JsonFields& fields) {
  KERF_TRY(const std::string name, fields.string("basis", "published"));
  if (name == "measured") return Basis::kMeasured;
  if (name == "published") return Basis::kPublished;
  if (name == "assumed") return Basis::kAssumed;
  return fields.wrong("basis", "measured, published or assumed");
}

std::string CatalogRows::where(size_t row) const {
  const nlohmann::json& object = list()[row];
  if (object.is_object()) {
    if (const auto found = object.find("name"); found != object.end() && found->is_string()) {
      return fmt::format("{}: {}", file, shown(found->get<std::string>()));
    }
  }
  return fmt::format("{}: {}[{}]", file, name, row);
}

Result<CatalogRows> read_catalog_rows(std::string_view file, std::string_view name) {
  KERF_TRY(const std::string text, read_catalog_file(file));
  CatalogRows rows{.name = std::string(name), .file = std::string(file)};
  KERF_TRY(rows.document, parse_json(text, file, {.max_bytes = size_t{4} << 20, .max_depth = 16}));
  if (!rows.document.is_object() || !rows.document.contains(name) || !rows.document.at(rows.name).is_array()) {
    return fail("{}: expected an object with a list '{}'", file, name);
  }
  return rows;
}

}  // namespace kerf
