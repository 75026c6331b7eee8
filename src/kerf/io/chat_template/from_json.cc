#include "kerf/io/chat_template/from_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "kerf/io/chat_template/compare.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

Value text_value(const std::string& text) {
  if (!valid_utf8(text)) raise("a string of the context is not valid UTF-8");
  return constant_text(text);
}

Value convert(const nlohmann::ordered_json& json, int level) {
  check_depth(level);
  switch (json.type()) {
    case nlohmann::ordered_json::value_t::null: return None{};
    case nlohmann::ordered_json::value_t::boolean: return json.get<bool>();
    case nlohmann::ordered_json::value_t::number_integer: return json.get<int64_t>();
    case nlohmann::ordered_json::value_t::number_unsigned: {
      const auto value = json.get<uint64_t>();
      const bool fits = value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      return fits ? Value(static_cast<int64_t>(value)) : Value(static_cast<double>(value));
    }
    case nlohmann::ordered_json::value_t::number_float: return json.get<double>();
    case nlohmann::ordered_json::value_t::string: return text_value(json.get_ref<const std::string&>());
    case nlohmann::ordered_json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      int depth = 1;
      for (const auto& item : json) {
        items.push_back(convert(item, level + 1));
        depth = std::max(depth, 1 + items.back().depth());
      }
      return Ref<List>(new List{ListKind::kList, std::move(items), depth, {}});
    }
    case nlohmann::ordered_json::value_t::object: {
      const auto dict = std::make_shared<Dict>(nullptr);
      for (const auto& [key, value] : json.items()) dict->set(text_value(key), convert(value, level + 1));
      return Ref<Dict>(dict);
    }
    default: raise("the context holds binary data, which JSON has not");
  }
}

}  // namespace

Value from_json(const nlohmann::ordered_json& json) { return convert(json, 1); }

}  // namespace kerf::jinja
