// JSON Schema's "format" of strings, as regular expressions for regex.h.
#pragma once

#include <string>
#include <string_view>

namespace kerf {

// The pattern of a format; empty when kerf does not know it. A date is one that every year has (no 29 February), so
// that whatever is written is valid.
[[nodiscard]] std::string_view pattern_of_format(std::string_view format);

// "date, date-time, …", for messages.
[[nodiscard]] std::string known_formats();

}  // namespace kerf
