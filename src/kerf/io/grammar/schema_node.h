// A schema and where it stands; what the parts of the compiler share. Internal to kerf/io/grammar.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

using SchemaJson = nlohmann::ordered_json;  // properties are written in the schema's order

// "JSON Schema: 'pattern' at #/properties/name <why>"
[[nodiscard]] Error schema_error(std::string_view keyword, std::string_view path, std::string_view why);

// A field of a schema; nullptr when absent. REQUIRES: schema is an object.
[[nodiscard]] const SchemaJson* find_keyword(const SchemaJson& schema, std::string_view keyword);

// The value of a keyword that counts something; `fallback` when absent.
[[nodiscard]] Result<uint32_t> count_keyword(const SchemaJson& schema, std::string_view keyword, uint32_t fallback,
                                             std::string_view path);

// Fails at keywords that kerf does not know.
[[nodiscard]] Status check_keywords(const SchemaJson& schema, std::string_view path);

// Keywords that say nothing about what is valid: title, description, …
[[nodiscard]] bool is_annotation(std::string_view keyword);

// The types that a schema allows: as `type` and `nullable` say, else as its other keywords suggest; empty = any.
[[nodiscard]] Result<std::vector<std::string>> types_of(const SchemaJson& schema, std::string_view path);

// Whether a value has a type of JSON Schema ("integer" for 3 and 3.0).
[[nodiscard]] bool has_type(const SchemaJson& value, std::string_view type);

// The values of enum and const together; none when there is neither.
[[nodiscard]] Result<std::optional<std::vector<SchemaJson>>> values_of(const SchemaJson& schema, std::string_view path);

// As it is written into an output: compact, characters unescaped where they may be.
[[nodiscard]] std::string json_literal(const SchemaJson& value);

// One token of a JSON pointer added to a path: "#/properties" + "a/b" = "#/properties/a~1b".
[[nodiscard]] std::string below(std::string_view path, std::string_view token);

}  // namespace kerf
