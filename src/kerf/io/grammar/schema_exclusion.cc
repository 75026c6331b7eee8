// oneOf: when two alternatives exclude each other.
#include <algorithm>

#include "kerf/io/grammar/schema_compiler.h"

namespace kerf {
namespace {

constexpr int kMaxLooks = 6;  // into required properties of required properties

bool types_meet(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty()) return true;
  return std::any_of(a.begin(), a.end(), [&](const std::string& type) {
    return std::any_of(b.begin(), b.end(), [&](const std::string& other) {
      return type == other || (type == "integer" && other == "number") || (type == "number" && other == "integer");
    });
  });
}

bool requires_property(const SchemaJson& schema, const std::string& name) {
  const SchemaJson* required = find_keyword(schema, "required");
  return required != nullptr && required->is_array() &&
         std::find(required->begin(), required->end(), name) != required->end();
}

const SchemaJson* property(const SchemaJson& schema, const std::string& name) {
  const SchemaJson* properties = find_keyword(schema, "properties");
  return properties != nullptr && properties->is_object() ? find_keyword(*properties, name) : nullptr;
}

}  // namespace

Result<bool> SchemaCompiler::exclude_each_other(const SchemaJson& first, const SchemaJson& second,
                                                const std::string& path, int depth) {
  KERF_TRY(const SchemaJson a, resolved(first, path, depth + 1));
  KERF_TRY(const SchemaJson b, resolved(second, path, depth + 1));
  KERF_TRY_STATUS(spend(a, b));
  if (a == false || b == false) return true;
  if (!a.is_object() || !b.is_object() || depth > kMaxLooks) return false;

  KERF_TRY(const std::vector<std::string> types_a, types_of(a, path));
  KERF_TRY(const std::vector<std::string> types_b, types_of(b, path));
  KERF_TRY(const auto values_a, values_of(a, path));
  KERF_TRY(const auto values_b, values_of(b, path));
  if (values_a && values_b) {
    return std::none_of(values_a->begin(), values_a->end(), [&](const SchemaJson& value) {
      return std::find(values_b->begin(), values_b->end(), value) != values_b->end();
    });
  }
  const auto none_has_type = [](const std::vector<SchemaJson>& values, const std::vector<std::string>& types) {
    return !types.empty() && std::none_of(values.begin(), values.end(), [&](const SchemaJson& value) {
      return std::any_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); });
    });
  };
  if (values_a && none_has_type(*values_a, types_b)) return true;
  if (values_b && none_has_type(*values_b, types_a)) return true;
  if (!types_meet(types_a, types_b)) return true;
  if (types_a != std::vector<std::string>{"object"} || types_b != types_a) return false;

  const SchemaJson* properties = find_keyword(a, "properties");
  if (properties == nullptr || !properties->is_object()) return false;
  for (const auto& [name, schema] : properties->items()) {
    const SchemaJson* other = property(b, name);
    if (other == nullptr || !requires_property(a, name) || !requires_property(b, name)) continue;
    KERF_TRY(const bool apart, exclude_each_other(schema, *other, path, depth + 1));
    if (apart) return true;
  }
  return false;
}

}  // namespace kerf
