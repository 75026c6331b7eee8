// Pure operations on text that methods and filters share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kerf::jinja {

// `chars`: the set of characters to strip; none: whitespace.
[[nodiscard]] std::string_view strip_text(std::string_view text, std::optional<std::string_view> chars, bool left,
                                          bool right);
[[nodiscard]] std::string capitalized(std::string_view text);  // str.capitalize()
[[nodiscard]] std::string titled(std::string_view text);       // str.title()

}  // namespace kerf::jinja
