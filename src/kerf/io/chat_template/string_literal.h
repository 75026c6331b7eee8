#pragma once

#include <string>
#include <string_view>

namespace kerf::jinja {

// Resolves the escapes of a string literal's body as Python's unicode-escape codec does.
// `line`: for the error.
[[nodiscard]] std::string unescape(std::string_view body, int line);

}  // namespace kerf::jinja
