#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "kerf/io/chat_template/args.h"
#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/filters.h"
#include "kerf/io/chat_template/number_text.h"
#include "kerf/io/chat_template/operators.h"
#include "kerf/io/chat_template/text_of.h"

namespace kerf::jinja {

namespace {

// int(real); none for NaN.
std::optional<int64_t> truncated(double real) {
  if (std::isnan(real)) return std::nullopt;
  const double whole = std::trunc(real);
  if (!(std::fabs(whole) < 0x1p63)) raise("cannot convert float {} to an integer", float_text(real));
  return static_cast<int64_t>(whole);
}

Value to_int(Runtime&, const Value& input, const Args& args) {
  const Bound bound("int", args, {"default", "base"});
  if (input.is_undefined()) raise_undefined(input);
  std::optional<int64_t> result;
  if (input.is_integral()) result = input.integer();
  if (input.is(Kind::kFloat)) result = truncated(input.real());
  if (input.is_string()) {
    result = parse_int(input.text(), bound.integer(1, 10));
    if (!result) {
      if (const auto real = parse_float(input.text())) result = truncated(*real);
    }
  }
  if (result) return *result;
  return bound.has(0) ? bound[0] : Value(int64_t{0});
}

Value to_float(Runtime&, const Value& input, const Args& args) {
  const Bound bound("float", args, {"default"});
  if (input.is_undefined()) raise_undefined(input);
  if (input.is_number()) return input.real();
  if (input.is_string()) {
    if (const auto real = parse_float(input.text())) return *real;
  }
  return bound.has(0) ? bound[0] : Value(0.0);
}

Value absolute(Runtime&, const Value& input, const Args& args) {
  expect_no_args("abs", args);
  if (input.is(Kind::kFloat)) return std::fabs(input.real());
  if (!input.is_integral()) raise("bad operand type for abs(): '{}'", type_name(input));
  return input.integer() < 0 ? negate(input) : Value(input.integer());
}

// round(real, digits) of Python: the nearest decimal, as the exact value of the double decides.
double rounded(double real, int64_t digits) {
  if (!std::isfinite(real) || digits > 323) return real;
  if (digits < -308) return std::copysign(0.0, real);
  if (digits < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-digits));
    return std::nearbyint(real / unit) * unit;
  }
  char buffer[800];  // 309 digits before the point, 323 after it
  const auto [end, error] =
      std::to_chars(std::begin(buffer), std::end(buffer), real, std::chars_format::fixed, static_cast<int>(digits));
  if (error != std::errc{}) return real;
  double result = 0;
  std::from_chars(std::begin(buffer), end, result);
  return result;
}

// round(integer, digits): only tens and more can change it; ties go to the even ten.
Value rounded_integer(int64_t value, int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return int64_t{0};
  int64_t unit = 1;
  for (int64_t i = 0; i < -digits; ++i) unit *= 10;
  const int64_t rest = ((value % unit) + unit) % unit;
  const int64_t floor = value - rest;  // cannot overflow: |floor| rounds toward the next unit
  const bool up = rest > unit / 2 || (rest == unit / 2 && floor / unit % 2 != 0);
  int64_t result = 0;
  if (__builtin_add_overflow(floor, up ? unit : 0, &result)) raise("an integer does not fit into 64 bits");
  return result;
}

Value round(Runtime&, const Value& input, const Args& args) {
  const Bound bound("round", args, {"precision", "method"});
  if (input.is_undefined()) raise_undefined(input);
  if (!input.is_number()) raise("round() needs a number, not {}", type_name(input));
  const int64_t digits = bound.integer(0, 0);
  const std::string_view method = bound.text(1, "common");
  if (method == "common") {
    return input.is_integral() ? rounded_integer(input.integer(), digits) : Value(rounded(input.real(), digits));
  }
  if (method != "ceil" && method != "floor") raise("round(): method must be common, ceil or floor");
  if (digits < 0 || digits > 300) raise("round(): precision {} is out of range", digits);
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = input.real() * scale;
  if (!std::isfinite(scaled)) raise("round() cannot take {}", float_text(input.real()));
  // Python's floor and ceil are integers, which have no negative zero; adding zero takes it away.
  return ((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) + 0.0) / scale;
}

}  // namespace

FilterFn find_number_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFn> kFilters = {
      {"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round}};
  const auto at = kFilters.find(name);
  return at != kFilters.end() ? at->second : nullptr;
}

}  // namespace kerf::jinja
