#include "kerf/serve/openai/fields.h"

#include <cmath>

#include "kerf/io/json.h"

namespace kerf {

namespace {

// A double holds every whole number below 2^53 exactly.
constexpr double kExact = 9007199254740992.0;

std::optional<int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::fabs(number) >= kExact || number != std::floor(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

std::string described(const Json& value) {
  if (value.is_string()) return "'" + shown(value.get_ref<const std::string&>()) + "'";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (value.is_object()) return "an object";
  return shown(value.dump());
}

const Json* Fields::find(std::string_view name) const {
  const auto field = object_->find(name);
  return field == object_->end() || field->is_null() ? nullptr : &*field;
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

ApiError Fields::wrong(std::string_view name, std::string_view expected) const {
  const Json* field = find(name);
  const std::string path = path_of(name);
  return refuse(path, "'{}' is {}; expected {}.", path, field != nullptr ? described(*field) : "missing", expected);
}

ApiResult<int64_t> Fields::integer(std::string_view name, int64_t fallback, int64_t min, int64_t max) const {
  const Json* field = find(name);
  if (field == nullptr) return fallback;
  const std::optional<int64_t> value = whole_number(*field);
  if (!value || *value < min || *value > max) {
    if (max == INT64_MAX) return wrong(name, fmt::format("a whole number of at least {}", min));
    return wrong(name, fmt::format("a whole number from {} to {}", min, max));
  }
  return *value;
}

ApiResult<double> Fields::number(std::string_view name, double fallback, double min, double max) const {
  const Json* field = find(name);
  if (field == nullptr) return fallback;
  if (!field->is_number() || field->get<double>() < min || field->get<double>() > max) {
    return wrong(name, fmt::format("a number from {} to {}", min, max));
  }
  return field->get<double>();
}

ApiResult<bool> Fields::boolean(std::string_view name, bool fallback) const {
  const Json* field = find(name);
  if (field == nullptr) return fallback;
  if (!field->is_boolean()) return wrong(name, "true or false");
  return field->get<bool>();
}

ApiResult<std::string> Fields::string(std::string_view name, std::string fallback) const {
  const Json* field = find(name);
  if (field == nullptr) return fallback;
  if (!field->is_string()) return wrong(name, "a string");
  return field->get<std::string>();
}

ApiResult<std::vector<std::string>> Fields::strings(std::string_view name) const {
  const Json* field = find(name);
  std::vector<std::string> result;
  if (field == nullptr) return result;
  if (field->is_string()) return std::vector{field->get<std::string>()};
  if (!field->is_array()) return wrong(name, "a string or a list of strings");
  for (const Json& item : *field) {
    if (!item.is_string()) return wrong(name, "a string or a list of strings");
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::optional<std::vector<int32_t>> ids_of(const Json& value, int64_t vocab_size) {
  std::vector<int32_t> ids;
  ids.reserve(value.size());
  for (const Json& item : value) {
    const std::optional<int64_t> id = whole_number(item);
    if (!id || *id < 0 || *id >= vocab_size) return std::nullopt;
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

ApiResult<std::vector<int32_t>> Fields::token_ids(std::string_view name, int64_t vocab_size) const {
  const Json* field = find(name);
  if (field == nullptr) return std::vector<int32_t>();
  std::optional<std::vector<int32_t>> ids = field->is_array() ? ids_of(*field, vocab_size) : std::nullopt;
  if (!ids) return wrong(name, fmt::format("a list of token ids from 0 to {}", vocab_size - 1));
  return *std::move(ids);
}

ApiResult<std::optional<Fields>> Fields::object(std::string_view name) const {
  const Json* field = find(name);
  if (field == nullptr) return std::optional<Fields>();
  if (!field->is_object()) return wrong(name, "an object {...}");
  return std::optional(Fields(*field, path_of(name)));
}

}  // namespace kerf
