// JSON written as text, for answers: an event per token leaves no time to build documents.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kerf {

// Appends text in quotes. REQUIRES: it is UTF-8
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

// A finite number in as many digits as it takes to read the same double.
void append_json_number(std::string& out, double value);

}  // namespace kerf
