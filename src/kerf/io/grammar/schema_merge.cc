#include "kerf/io/grammar/schema_merge.h"

#include <algorithm>

namespace kerf {
namespace {

// What holds for a value under both sub-schemas.
SchemaJson both(const SchemaJson& a, const SchemaJson& b) {
  if (a == b) return a;
  if (a.is_boolean()) return a.get<bool>() ? b : a;
  if (b.is_boolean()) return b.get<bool>() ? a : b;
  SchemaJson joined = SchemaJson::object();
  joined["allOf"] = SchemaJson::array({a, b});
  return joined;
}

SchemaJson intersection(const SchemaJson& a, const SchemaJson& b) {
  SchemaJson result = SchemaJson::array();
  for (const SchemaJson& value : a) {
    if (std::find(b.begin(), b.end(), value) != b.end()) result.push_back(value);
  }
  return result;
}

SchemaJson list_of(const SchemaJson& type) { return type.is_array() ? type : SchemaJson::array({type}); }

// Whole numbers are numbers: where one side says "number" and the other "integer", the latter stays.
SchemaJson types_in_both(const SchemaJson& a, const SchemaJson& b) {
  const auto allows = [](const SchemaJson& list, const SchemaJson& type) {
    return std::find(list.begin(), list.end(), type) != list.end() ||
           (type == "integer" && std::find(list.begin(), list.end(), "number") != list.end());
  };
  const SchemaJson left = list_of(a);
  const SchemaJson right = list_of(b);
  SchemaJson result = SchemaJson::array();
  for (const SchemaJson& type : left) {
    if (allows(right, type)) result.push_back(type);
  }
  for (const SchemaJson& type : right) {
    if (allows(left, type) && std::find(result.begin(), result.end(), type) == result.end()) result.push_back(type);
  }
  return result;
}

bool is_closed(const SchemaJson& schema) {
  const SchemaJson* additional = find_keyword(schema, "additionalProperties");
  return additional != nullptr && *additional != true;
}

// Whether `a`, which restricts additional properties, says something of properties that only `b` lists.
bool restricts(const SchemaJson& a, const SchemaJson& b) {
  const SchemaJson* theirs = find_keyword(b, "properties");
  if (!is_closed(a) || theirs == nullptr || !theirs->is_object()) return false;
  const SchemaJson* own = find_keyword(a, "properties");
  const auto names = theirs->items();
  return std::any_of(names.begin(), names.end(), [&](const auto& item) {
    return own == nullptr || !own->is_object() || !own->contains(item.key());
  });
}

bool is_one_of(std::string_view keyword, std::initializer_list<std::string_view> keywords) {
  return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

// A keyword that both have, differently.
Result<SchemaJson> merge_keyword(std::string_view keyword, const SchemaJson& a, const SchemaJson& b,
                                 std::string_view path) {
  if (is_one_of(keyword, {"items", "additionalProperties"})) return both(a, b);
  if (keyword == "type") {
    SchemaJson types = types_in_both(a, b);
    if (types.empty()) return schema_error("type", path, "contradicts the schema that it is joined with");
    return types;
  }
  const bool numbers = a.is_number() && b.is_number();
  if (numbers && is_one_of(keyword, {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})) {
    return std::max(a, b);
  }
  if (numbers && is_one_of(keyword, {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})) {
    return std::min(a, b);
  }
  const bool lists = a.is_array() && b.is_array();
  if (lists && keyword == "enum") {
    SchemaJson values = intersection(a, b);
    if (values.empty()) return schema_error("enum", path, "contradicts the schema that it is joined with");
    return values;
  }
  if (lists && is_one_of(keyword, {"allOf", "required"})) {
    SchemaJson joined = a;
    for (const SchemaJson& item : b) {
      if (std::find(joined.begin(), joined.end(), item) == joined.end()) joined.push_back(item);
    }
    return joined;
  }
  if (keyword == "properties" && a.is_object() && b.is_object()) {
    SchemaJson joined = a;
    for (const auto& [name, schema] : b.items()) {
      joined[name] = joined.contains(name) ? both(joined[name], schema) : schema;
    }
    return joined;
  }
  return schema_error(keyword, path, "meets another one of its kind, which kerf cannot join; write them as one");
}

}  // namespace

Result<SchemaJson> merge_schemas(const SchemaJson& a, const SchemaJson& b, std::string_view path) {
  if (!a.is_object() || !b.is_object()) return both(a, b);
  if (restricts(a, b) || restricts(b, a)) {
    return schema_error("additionalProperties", path,
                        "forbids properties that a schema joined with it lists; list them together");
  }
  SchemaJson merged = a;
  for (const auto& [keyword, value] : b.items()) {
    if (is_annotation(keyword)) continue;
    const SchemaJson* other = find_keyword(merged, keyword);
    if (other == nullptr) {
      merged[keyword] = value;
    } else if (*other != value) {
      KERF_TRY(merged[keyword], merge_keyword(keyword, *other, value, path));
    }
  }
  // A side that says nothing of `nullable` forbids null: both must say it.
  if (a.contains("nullable") != b.contains("nullable") || merged["nullable"] != true) merged.erase("nullable");
  return merged;
}

}  // namespace kerf
