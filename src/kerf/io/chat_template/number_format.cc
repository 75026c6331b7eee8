#include <charconv>
#include <cmath>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/format.h"
#include "kerf/io/chat_template/text_of.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

constexpr int64_t kMaxPrecision = 1000;  // digits after the point; a double has at most 1074

// An integer's digits, without sign.
std::string integer_digits(int64_t value, const FormatSpec& spec) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  switch (spec.type) {
    case '\0':
    case 'd':
    case 'i':
    case 'u':
    case 'n': return std::to_string(magnitude);
    case 'x': return fmt::format("{}{:x}", spec.alternate ? "0x" : "", magnitude);
    case 'X': return fmt::format("{}{:X}", spec.alternate ? "0X" : "", magnitude);
    case 'o': return fmt::format("{}{:o}", spec.alternate ? "0o" : "", magnitude);
    case 'b': return fmt::format("{}{:b}", spec.alternate ? "0b" : "", magnitude);
    default: raise("unknown format code '{}' for an integer", spec.type);
  }
}

std::string to_chars_text(double value, std::chars_format format, int64_t precision) {
  std::string buffer(static_cast<size_t>(precision) + 400, '\0');  // 309 digits before the point at most
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, static_cast<int>(precision));
  (void)error;  // the buffer holds every double
  buffer.resize(static_cast<size_t>(end - buffer.data()));
  return buffer;
}

// A float's digits, without sign.
std::string float_digits(double value, const FormatSpec& spec) {
  const double magnitude = std::fabs(value);
  const int64_t precision = spec.precision.value_or(6);
  if (precision > kMaxPrecision) raise("precision {} is too big", precision);
  switch (spec.type) {
    case '\0': {
      if (!spec.precision) return float_text(magnitude);
      std::string text = to_chars_text(magnitude, std::chars_format::general, std::max<int64_t>(precision, 1));
      return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
    }
    case 'e':
    case 'E': return to_chars_text(magnitude, std::chars_format::scientific, precision);
    case 'f':
    case 'F': return to_chars_text(magnitude, std::chars_format::fixed, precision);
    case 'g':
    case 'G':
    case 'n': return to_chars_text(magnitude, std::chars_format::general, std::max<int64_t>(precision, 1));
    case '%': return to_chars_text(magnitude * 100, std::chars_format::fixed, precision) + "%";
    default: raise("unknown format code '{}' for a float", spec.type);
  }
}

// Puts a mark between groups of three digits before the point.
std::string grouped(std::string digits, char mark) {
  const size_t end = digits.find_first_not_of("0123456789");
  size_t at = end == std::string::npos ? digits.size() : end;
  while (at > 3) {
    at -= 3;
    digits.insert(at, 1, mark);
  }
  return digits;
}

bool is_float_type(char type) {
  return type != '\0' && std::string_view("eEfFgG%").find(type) != std::string_view::npos;
}

}  // namespace

void append_formatted(TextBuilder& out, std::string_view text, const FormatSpec& spec) {
  const size_t chars = count_chars(text);
  const size_t padding = static_cast<size_t>(spec.width) > chars ? static_cast<size_t>(spec.width) - chars : 0;
  const size_t before = spec.align == '>' ? padding : spec.align == '^' ? padding / 2 : 0;
  out.append(before, spec.fill);
  out.append(text);
  out.append(padding - before, spec.fill);
}

void append_formatted_number(TextBuilder& out, const Value& number, const FormatSpec& spec) {
  const bool as_float = number.is(Kind::kFloat) || is_float_type(spec.type);
  const bool negative = as_float ? std::signbit(number.real()) && !std::isnan(number.real()) : number.integer() < 0;
  std::string digits = as_float ? float_digits(number.real(), spec) : integer_digits(number.integer(), spec);
  if (spec.type == 'E' || spec.type == 'G' || spec.type == 'F') digits = to_upper(digits);
  if (spec.grouping != '\0') digits = grouped(std::move(digits), spec.grouping);
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  FormatSpec outer = spec;
  if (spec.align != '=') {
    if (spec.align == '\0') outer.align = '>';
    return append_formatted(out, sign + digits, outer);
  }
  // The padding goes between the sign and the digits.
  out.append(sign);
  outer.align = '>';
  outer.width = std::max<int64_t>(0, spec.width - static_cast<int64_t>(sign.size()));
  append_formatted(out, digits, outer);
}

int64_t read_digits(std::string_view text, size_t& at) {
  int64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > 1'000'000'000) raise("a width or precision in a format is too big");
  }
  return value;
}

}  // namespace kerf::jinja
