// A judge of documents under a JSON Schema that shares nothing with the compiler: it looks at a finished document,
// while the compiler says what may come next.
#pragma once

#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "kerf/io/tokenizer/utf8.h"

namespace kerf::testing {

using nlohmann::json;

inline size_t characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}
  // "" or what is wrong.
  [[nodiscard]] std::string judge(const json& value) const { return judge(root_, value); }

 private:
  [[nodiscard]] std::string judge(const json& schema, const json& value) const {
    if (schema.is_boolean()) return schema == true ? "" : "false forbids " + value.dump();
    for (const auto& [keyword, argument] : schema.items()) {
      const std::string why = check(schema, keyword, argument, value);
      if (!why.empty()) return why;
    }
    return "";
  }

  [[nodiscard]] static bool is(const json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return value.type_name() == type;
  }

  [[nodiscard]] size_t matching(const json& schemas, const json& value) const {
    return static_cast<size_t>(std::count_if(schemas.begin(), schemas.end(),
                                             [&](const json& schema) { return judge(schema, value).empty(); }));
  }

  [[nodiscard]] std::string check(const json& schema, const std::string& keyword, const json& argument,
                                  const json& value) const {
    const std::string broken = keyword + " " + argument.dump() + " by " + value.dump();
    const auto unless = [&](bool fine) { return fine ? std::string() : broken; };
    if (keyword == "$ref") return judge(root_.at(json::json_pointer(argument.get<std::string>().substr(1))), value);
    if (keyword == "anyOf") return unless(matching(argument, value) > 0);
    if (keyword == "oneOf") return unless(matching(argument, value) == 1);
    if (keyword == "allOf") return unless(matching(argument, value) == argument.size());
    if (keyword == "enum") return unless(std::find(argument.begin(), argument.end(), value) != argument.end());
    if (keyword == "const") return unless(value == argument);
    if (keyword == "type") {
      const json types = argument.is_array() ? argument : json::array({argument});
      const bool nullable = value.is_null() && schema.value("nullable", false);
      return unless(nullable || std::any_of(types.begin(), types.end(), [&](const json& t) { return is(value, t); }));
    }
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (keyword == "minLength") return unless(characters(text) >= argument);
      if (keyword == "maxLength") return unless(characters(text) <= argument);
      if (keyword == "pattern") return unless(std::regex_search(text, std::regex(argument.get<std::string>())));
    }
    if (value.is_number()) {
      if (keyword == "minimum") return unless(value >= argument);
      if (keyword == "maximum") return unless(value <= argument);
      if (keyword == "exclusiveMinimum") return unless(value > argument);
      if (keyword == "exclusiveMaximum") return unless(value < argument);
    }
    if (value.is_array()) {
      if (keyword == "minItems") return unless(value.size() >= argument);
      if (keyword == "maxItems") return unless(value.size() <= argument);
      const size_t prefix = schema.value("prefixItems", json::array()).size();
      for (size_t i = 0; i < value.size(); ++i) {
        std::string why;
        if (keyword == "prefixItems" && i < prefix) why = judge(argument[i], value[i]);
        if (keyword == "items" && i >= prefix) why = judge(argument, value[i]);
        if (!why.empty()) return why;
      }
    }
    if (value.is_object()) {
      if (keyword == "minProperties") return unless(value.size() >= argument);
      if (keyword == "maxProperties") return unless(value.size() <= argument);
      if (keyword == "required") {
        return unless(std::all_of(argument.begin(), argument.end(), [&](const json& n) { return value.contains(n); }));
      }
      const json listed = schema.value("properties", json::object());
      for (const auto& [name, member] : value.items()) {
        std::string why;
        if (keyword == "properties" && argument.contains(name)) why = judge(argument[name], member);
        if (keyword == "additionalProperties" && !listed.contains(name)) why = judge(argument, member);
        if (!why.empty()) return why;
      }
    }
    return "";
  }

  const json& root_;
};

}  // namespace kerf::testing
