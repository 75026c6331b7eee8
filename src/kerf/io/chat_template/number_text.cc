#include "kerf/io/chat_template/number_text.h"

#include <charconv>
#include <limits>
#include <string>

#include "kerf/io/chat_template/error.h"
#include "kerf/io/chat_template/unicode.h"

namespace kerf::jinja {

namespace {

// Without blanks around and with single underscores between digits removed; none where they are misplaced.
std::optional<std::string> plain_digits(std::string_view text) {
  text = strip_left(strip_right(text));
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    const auto is_digit = [&](size_t at) {
      return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
    };
    if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return std::nullopt;
  }
  return out;
}

int base_of_prefix(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return 0;
  const char mark = static_cast<char>(digits[1] | 0x20);
  return mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
}

}  // namespace

std::optional<int64_t> parse_int(std::string_view text, int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  const auto plain = plain_digits(text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (const int prefix = base_of_prefix(digits); prefix != 0 && (base == 0 || base == prefix)) {
    base = prefix;
    digits.remove_prefix(2);
  } else if (base == 0) {
    if (digits.starts_with('0') && digits.find_first_not_of('0') != std::string_view::npos) return std::nullopt;
    base = 10;
  }
  uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, magnitude, static_cast<int>(base));
  if (digits.empty() || stop != end || error == std::errc::invalid_argument) return std::nullopt;
  const uint64_t most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (error != std::errc{} || magnitude > most) raise("the integer {} does not fit into 64 bits", text);
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

std::optional<double> parse_float(std::string_view text) {
  const auto plain = plain_digits(text);
  if (!plain) return std::nullopt;
  std::string_view digits = *plain;
  if (digits.starts_with('+') && !digits.substr(1).starts_with('-')) digits.remove_prefix(1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || stop != end || digits.find('(') != std::string_view::npos) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: from_chars leaves the value; Python rounds to infinity or zero.
    const bool tiny = digits.find("e-") != std::string_view::npos || digits.find("E-") != std::string_view::npos;
    const double magnitude = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return digits.starts_with('-') ? -magnitude : magnitude;
  }
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace kerf::jinja
