// Rows of a catalogue file: what devices.cc and links.cc share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/catalog/files.h"
#include "kerf/io/json.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

inline constexpr NumberRange kFigure{0, 1e15, "a number from 0 on"};

// Refuses fields other than `known`: a misspelt one would silently count as absent.
[[nodiscard]] Status only_fields(const nlohmann::json& object, const std::string& where,
                                 std::initializer_list<std::string_view> known);

// A list of strings; absent gives an empty one.
[[nodiscard]] Result<std::vector<std::string>> string_list(const JsonFields& fields, std::string_view name);

// "measured", "published" or "assumed"; absent gives the second.
[[nodiscard]] Result<Basis> basis_field(const JsonFields& fields);

// The objects of the list `name` in a file of the catalogue, each with where it stands: "gpus.json: gpus[3]".
struct CatalogRows {
  nlohmann::json document;
  std::string name;
  std::string file;
  [[nodiscard]] const nlohmann::json& list() const { return document.at(name); }
  [[nodiscard]] std::string where(size_t row) const;
};
[[nodiscard]] Result<CatalogRows> read_catalog_rows(std::string_view file, std::string_view name);

// read()'s result, kept when it comes from the files inside the program, which do not change.
template <typename Read>
auto read_once(Read read) {
  if (catalog_is_overridden()) return read();
  static const auto kept = read();
  return kept;
}

}  // namespace kerf
