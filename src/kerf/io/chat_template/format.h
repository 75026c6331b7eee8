// Python's two ways to format: "%s" % x and "{}".format(x).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

// [[fill]align][sign][#][0][width][grouping][.precision][type]
struct FormatSpec {
  std::string_view fill = " ";  // one character
  char align = '\0';            // < > ^ =, or \0 for the type's own
  char sign = '-';              // - + or blank
  bool alternate = false;       // #
  int64_t width = 0;
  char grouping = '\0';  // , or _
  std::optional<int64_t> precision;
  char type = '\0';
};

void append_formatted(TextBuilder& out, std::string_view text, const FormatSpec& spec);
// REQUIRES: number.is_number(). Raises for an unknown type.
void append_formatted_number(TextBuilder& out, const Value& number, const FormatSpec& spec);

// format % operand
[[nodiscard]] std::string format_percent(Runtime& rt, std::string_view format, const Value& operand);
// format.format(*args)
[[nodiscard]] std::string format_braces(Runtime& rt, std::string_view format, const Args& args);

// Digits at `at`, which moves past them. Raises beyond a billion.
[[nodiscard]] int64_t read_digits(std::string_view text, size_t& at);

}  // namespace kerf::jinja
