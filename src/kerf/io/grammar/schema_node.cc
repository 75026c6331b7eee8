#include "kerf/io/grammar/schema_node.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kerf/io/json.h"

namespace kerf {
namespace {

constexpr std::string_view kAnnotations[] = {
    "$comment", "$defs",        "$id",        "$schema",       "contentEncoding", "contentMediaType",
    "default",  "definitions",  "deprecated", "discriminator", "description",     "example",
    "examples", "externalDocs", "readOnly",   "title",         "writeOnly",       "xml"};

// What a keyword is about; "" for those of every type.
struct Keyword {
  std::string_view name;
  std::string_view type;
};
constexpr Keyword kKeywords[] = {
    {"$ref", ""},
    {"allOf", ""},
    {"anyOf", ""},
    {"const", ""},
    {"enum", ""},
    {"nullable", ""},
    {"oneOf", ""},
    {"type", ""},
    {"additionalProperties", "object"},
    {"maxProperties", "object"},
    {"minProperties", "object"},
    {"properties", "object"},
    {"required", "object"},
    {"items", "array"},
    {"maxItems", "array"},
    {"minItems", "array"},
    {"prefixItems", "array"},
    {"format", "string"},
    {"maxLength", "string"},
    {"minLength", "string"},
    {"pattern", "string"},
    {"exclusiveMaximum", "number"},
    {"exclusiveMinimum", "number"},
    {"maximum", "number"},
    {"minimum", "number"},
};
constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

const Keyword* known(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                                         [&](const Keyword& keyword) { return keyword.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

}  // namespace

Error schema_error(std::string_view keyword, std::string_view path, std::string_view why) {
  return fail("JSON Schema: '{}' at {} {}", shown(keyword), shown(path), why);
}

const SchemaJson* find_keyword(const SchemaJson& schema, std::string_view keyword) {
  const auto found = schema.find(keyword);
  return found == schema.end() ? nullptr : &*found;
}

Result<uint32_t> count_keyword(const SchemaJson& schema, std::string_view keyword, uint32_t fallback,
                               std::string_view path) {
  constexpr double kMost = 1e9;
  const SchemaJson* value = find_keyword(schema, keyword);
  if (value == nullptr) return fallback;
  const double number = value->is_number() ? value->get<double>() : -1;
  if (number < 0 || number > kMost || number != std::floor(number)) {
    return schema_error(keyword, path, "is no whole number from 0 to 1000000000");
  }
  return static_cast<uint32_t>(number);
}

Status check_keywords(const SchemaJson& schema, std::string_view path) {
  for (const auto& [name, value] : schema.items()) {
    if (is_annotation(name) || known(name) != nullptr) continue;
    return schema_error(name, path, "is not supported; leave it out");
  }
  return Ok{};
}

bool is_annotation(std::string_view keyword) {
  return keyword.starts_with("x-") ||
         std::find(std::begin(kAnnotations), std::end(kAnnotations), keyword) != std::end(kAnnotations);
}

Result<std::vector<std::string>> types_of(const SchemaJson& schema, std::string_view path) {
  std::vector<std::string> types;
  const SchemaJson* type = find_keyword(schema, "type");
  if (type != nullptr) {
    const SchemaJson list = type->is_array() ? *type : SchemaJson::array({*type});
    if (list.empty()) return schema_error("type", path, "is an empty list; give at least one type");
    for (const SchemaJson& name : list) {
      const std::string text = name.is_string() ? name.get<std::string>() : name.dump();
      if (std::find(std::begin(kTypes), std::end(kTypes), text) == std::end(kTypes)) {
        return schema_error("type", path, fmt::format("is {}, which is no type of JSON Schema", shown(text)));
      }
      if (std::find(types.begin(), types.end(), text) == types.end()) types.push_back(text);
    }
  } else {
    for (const auto& [name, value] : schema.items()) {
      const Keyword* keyword = known(name);
      if (keyword == nullptr || keyword->type.empty()) continue;
      if (types.empty()) types.emplace_back(keyword->type);
      if (types[0] != keyword->type) {
        return schema_error(name, path, fmt::format("stands beside keywords of type {}; give 'type'", types[0]));
      }
    }
  }
  const SchemaJson* nullable = find_keyword(schema, "nullable");
  const bool add_null = nullable != nullptr && nullable->is_boolean() && nullable->get<bool>();
  if (add_null && !types.empty() && std::find(types.begin(), types.end(), "null") == types.end()) {
    types.emplace_back("null");
  }
  return types;
}

bool has_type(const SchemaJson& value, std::string_view type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && value.get<double>() == std::floor(value.get<double>()));
  }
  if (type == "number") return value.is_number();
  return type == value.type_name();
}

Result<std::optional<std::vector<SchemaJson>>> values_of(const SchemaJson& schema, std::string_view path) {
  const SchemaJson* list = find_keyword(schema, "enum");
  const SchemaJson* single = find_keyword(schema, "const");
  if (list == nullptr && single == nullptr) return std::optional<std::vector<SchemaJson>>{};
  if (list != nullptr && (!list->is_array() || list->empty())) {
    return schema_error("enum", path, "is no list of values; give at least one");
  }
  std::vector<SchemaJson> values = list != nullptr ? list->get<std::vector<SchemaJson>>() : std::vector{*single};
  if (list != nullptr && single != nullptr) std::erase_if(values, [&](const SchemaJson& v) { return v != *single; });
  KERF_TRY(const std::vector<std::string> types, types_of(schema, path));
  std::erase_if(values, [&](const SchemaJson& value) {
    return !types.empty() &&
           std::none_of(types.begin(), types.end(), [&](const std::string& type) { return has_type(value, type); });
  });
  const SchemaJson* nullable = find_keyword(schema, "nullable");
  if (nullable != nullptr && *nullable == true && types.empty()) values.emplace_back(nullptr);
  if (values.empty()) {
    return schema_error(list != nullptr ? "enum" : "const", path, "leaves no value that its 'type' allows");
  }
  for (const auto& [name, value] : schema.items()) {
    const Keyword* keyword = known(name);
    if (keyword != nullptr && !keyword->type.empty()) {
      return schema_error(name, path, "stands beside 'enum' or 'const'; list the values that it allows instead");
    }
  }
  return std::optional(std::move(values));
}

std::string json_literal(const SchemaJson& value) { return value.dump(); }

std::string below(std::string_view path, std::string_view token) {
  std::string result = fmt::format("{}/", path);
  for (const char c : token) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace kerf
