// Strings and numbers.
#include <algorithm>
#include <cmath>

#include "kerf/io/grammar/regex.h"
#include "kerf/io/grammar/schema_compiler.h"
#include "kerf/io/grammar/string_format.h"
#include "kerf/io/json.h"

namespace kerf {
namespace {

// Copies of a pattern's automaton, one for each length: beyond some thousands it would be too large anyway.
constexpr uint32_t kMaxPatternLength = 10'000;

}  // namespace

Result<RuleId> SchemaCompiler::string(const SchemaJson& schema, const std::string& path) {
  KERF_TRY(const uint32_t least, count_keyword(schema, "minLength", 0, path));
  KERF_TRY(const uint32_t most, count_keyword(schema, "maxLength", kUnlimited, path));
  if (least > most) return schema_error("minLength", path, "is above 'maxLength'");
  const SchemaJson* pattern = find_keyword(schema, "pattern");
  const SchemaJson* format = find_keyword(schema, "format");
  if (pattern != nullptr && format != nullptr) {
    return schema_error("format", path, "stands beside 'pattern', which is not supported; give one of them");
  }
  if (format != nullptr) {
    const std::string_view known = format->is_string() ? pattern_of_format(format->get<std::string>()) : "";
    if (known.empty()) {
      return schema_error("format", path, fmt::format("is {}; known are {}", shown(format->dump()), known_formats()));
    }
    return string_of_pattern(known, {.min = least, .max = most}, "format", path);
  }
  if (pattern != nullptr) {
    if (!pattern->is_string()) return schema_error("pattern", path, "is no string");
    return string_of_pattern(pattern->get<std::string>(), {.min = least, .max = most}, "pattern", path);
  }
  if (least == 0 && most == kUnlimited) return json_.string();

  const auto [found, fresh] = strings_.try_emplace({"", least, most});
  if (fresh) {
    Nfa nfa;
    const Nfa::State begin = nfa.add();
    const Nfa::State inside = nfa.literal(begin, "\"");
    json_character_any_spelling(nfa, inside, inside, kMore | kCounts);
    KERF_TRY(found->second, json_.make(path, nfa, begin, nfa.literal(inside, "\"", kEnough), {least, most}));
  }
  return found->second;
}

Result<RuleId> SchemaCompiler::string_of_pattern(std::string_view pattern, Counter length, std::string_view keyword,
                                                 const std::string& path) {
  const auto [found, fresh] = strings_.try_emplace({std::string(pattern), length.min, length.max});
  if (!fresh) return found->second;
  if (length.min > kMaxPatternLength || (length.max != kUnlimited && length.max > kMaxPatternLength)) {
    return schema_error(keyword, path, "stands beside a length above 10000, which is not supported");
  }
  const Result<RegexNode> regex = parse_regex(pattern);
  if (!regex.ok()) return schema_error(keyword, path, regex.error().message);
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Result<Nfa::State> end = regex_in_json_string(nfa, nfa.literal(begin, "\""), *regex);
  if (!end.ok()) return schema_error(keyword, path, end.error().message);
  Result<Dfa> any_length = Dfa::of(nfa, begin, nfa.literal(*end, "\""), builder_.budget());
  if (any_length.ok()) any_length = any_length->counted(length, builder_.budget());
  if (!any_length.ok()) return schema_error(keyword, path, any_length.error().message);
  found->second = builder_.declare(path);
  builder_.define(found->second, std::move(any_length).value());
  return found->second;
}

Result<NumberBounds> number_bounds(const SchemaJson& schema, bool whole, const std::string& path) {
  constexpr auto kLimit = static_cast<double>(kIntegerLimit);
  NumberBounds bounds;
  const auto tighten = [&](std::string_view keyword, bool lower, bool exclusive) -> Status {
    const SchemaJson* value = find_keyword(schema, keyword);
    if (value == nullptr) return Ok{};
    if (!value->is_number()) return schema_error(keyword, path, "is no number");
    double bound = value->get<double>();
    if (whole) {
      if (lower) bound = exclusive ? std::floor(bound) + 1 : std::ceil(bound);
      if (!lower) bound = exclusive ? std::ceil(bound) - 1 : std::floor(bound);
    } else if (bound != std::floor(bound)) {
      return schema_error(keyword, path, fmt::format("is {}; a bound of a number must be whole", value->dump()));
    }
    // Beyond this nothing is written anyway.
    if (lower ? bound < -kLimit : bound > kLimit) return Ok{};
    if (lower ? bound > kLimit : bound < -kLimit) return schema_error(keyword, path, "is out of reach of 18 digits");
    // A whole number's own digits, which a double may not have.
    const bool exact = value->is_number_integer() && !(whole && exclusive);
    const int64_t integer = exact ? value->get<int64_t>() : static_cast<int64_t>(bound);
    std::optional<int64_t>& side = lower ? bounds.min : bounds.max;
    bool& open = lower ? bounds.exclusive_min : bounds.exclusive_max;
    const bool tighter = !side || (lower ? integer > *side : integer < *side) || (integer == *side && exclusive);
    if (!tighter) return Ok{};
    side = std::clamp(integer, -kIntegerLimit, kIntegerLimit);
    open = exclusive && !whole;
    return Ok{};
  };
  KERF_TRY_STATUS(tighten("minimum", true, false));
  KERF_TRY_STATUS(tighten("exclusiveMinimum", true, true));
  KERF_TRY_STATUS(tighten("maximum", false, false));
  KERF_TRY_STATUS(tighten("exclusiveMaximum", false, true));
  return bounds;
}

Result<Nfa::State> SchemaCompiler::number(Nfa& nfa, Nfa::State from, const SchemaJson& schema, bool whole,
                                          const std::string& path) {
  KERF_TRY(const NumberBounds bounds, number_bounds(schema, whole, path));
  if (bounds.min && bounds.max) {
    const bool open = bounds.exclusive_min || bounds.exclusive_max;
    if (*bounds.min > *bounds.max || (*bounds.min == *bounds.max && open)) {
      return fail("JSON Schema: at {} no number is between the bounds", shown(path));
    }
  }
  return whole ? json_integer(nfa, from, bounds) : json_number(nfa, from, bounds);
}

}  // namespace kerf
