#include "kerf/io/json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kerf/io/mapped_file.h"

namespace kerf {

namespace {

constexpr size_t kShownBytes = 100;

// What the parser would not refuse, or not by name: depth, and Python's NaN, Infinity, -Infinity.
Status check_text(std::string_view text, std::string_view where, int max_depth) {
  std::string_view string;  // the last string, and the last that was a name
  std::string_view name;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"': {
        const size_t begin = ++i;
        while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        string = text.substr(begin, i - begin);
        break;
      }
      case ':': name = string; break;
      case '{':
      case '[':
        if (++depth > max_depth) return fail("{}: JSON nested deeper than {} levels", where, max_depth);
        break;
      case '}':
      case ']': --depth; break;
      case 'N':
      case 'I': {
        const std::string_view rest = text.substr(i);
        const bool nan = rest.starts_with("NaN");
        if (!nan && !rest.starts_with("Infinity")) break;
        return fail("{}: '{}' is {}; expected a finite number", where, shown(name), nan ? "NaN" : "Infinity");
      }
      default: break;
    }
  }
  return Ok{};
}

Error not_json(std::string_view text, std::string_view where, size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte == 0 ? 0 : byte - 1, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 == 0
  return fail("{}: not valid JSON at line {}, column {}", where, line, before.size() - line_start + 1);
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail("{}: {} bytes of JSON; at most {} are read", where, text.size(), limits.max_bytes);
  }
  KERF_TRY_STATUS(check_text(text, where, limits.max_depth));

  std::set<std::string> names;
  std::optional<std::string> repeated;
  const auto note_name = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (depth == 1 && event == nlohmann::json::parse_event_t::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names.insert(name).second) repeated = name;
    }
    return true;
  };
  try {
    nlohmann::json value = limits.unique_names ? nlohmann::json::parse(text, note_name) : nlohmann::json::parse(text);
    if (repeated) return fail("{}: '{}' appears twice", where, shown(*repeated));
    return value;
  } catch (const nlohmann::json::parse_error& error) {
    return not_json(text, where, error.byte);
  } catch (const nlohmann::json::out_of_range&) {
    return fail("{}: holds a number too large to be finite", where);
  }
}

Result<nlohmann::json> read_json(const std::filesystem::path& path, const JsonLimits& limits) {
  KERF_TRY(const MappedFile file, MappedFile::open(path));
  return parse_json(file.text(), path.string(), limits);
}

std::string shown(std::string_view text) {
  size_t length = std::min(text.size(), kShownBytes);
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  std::string result(text.substr(0, length));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return length < text.size() ? result + "…" : result;
}

std::string describe(const nlohmann::json& value) {
  if (value.is_string()) return "'" + shown(value.get_ref<const std::string&>()) + "'";
  if (value.is_array()) return fmt::format("a list of {}", value.size());
  if (value.is_object()) return "an object";
  return shown(std::string_view(value.dump()));
}

Result<JsonFields> JsonFields::of(const nlohmann::json& object, std::string where) {
  if (!object.is_object()) return fail("{}: {}; expected an object {{...}}", where, describe(object));
  return JsonFields(object, std::move(where));
}

const nlohmann::json* JsonFields::find(std::string_view name) const {
  const auto field = object_->find(name);
  return field == object_->end() || field->is_null() ? nullptr : &*field;
}

Error JsonFields::wrong(std::string_view name, std::string_view expected) const {
  const nlohmann::json* field = find(name);
  const std::string value = field != nullptr ? describe(*field) : mentions(name) ? "null" : "missing";
  return fail("{}: '{}' is {}; expected {}", where_, name, value, expected);
}

Result<int64_t> JsonFields::integer(std::string_view name, IntegerRange range, std::optional<int64_t> fallback) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr && fallback) return *fallback;
  // A double holds every whole number below 2^53 exactly; no field of a model needs more.
  constexpr double kExact = 9007199254740992.0;
  const double value = field != nullptr && field->is_number() ? field->get<double>() : kExact;
  if (std::fabs(value) < kExact && value == std::floor(value)) {
    const auto whole = static_cast<int64_t>(value);
    if (range.min <= whole && whole <= range.max) return whole;
  }
  return wrong(name, fmt::format("a whole number from {} to {}", range.min, range.max));
}

Result<double> JsonFields::number(std::string_view name, const NumberRange& range,
                                  std::optional<double> fallback) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr && fallback) return *fallback;
  if (field != nullptr && field->is_number()) {
    const auto value = field->get<double>();
    if (range.min <= value && value <= range.max) return value;
  }
  return wrong(name, range.words);
}

Result<bool> JsonFields::boolean(std::string_view name, std::optional<bool> fallback) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr && fallback) return *fallback;
  if (field != nullptr && field->is_boolean()) return field->get<bool>();
  return wrong(name, "true or false");
}

Result<std::string> JsonFields::string(std::string_view name, std::optional<std::string> fallback) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr && fallback) return *std::move(fallback);
  if (field != nullptr && field->is_string()) return field->get<std::string>();
  return wrong(name, "a string");
}

Result<JsonFields> JsonFields::object(std::string_view name) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr || !field->is_object()) return wrong(name, "an object {...}");
  return JsonFields(*field, fmt::format("{}: {}", where_, name));
}

}  // namespace kerf
