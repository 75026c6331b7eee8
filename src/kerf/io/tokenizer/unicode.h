// Character classes, as the Hugging Face library's \s and \w understand them.
#pragma once

#include <cstddef>
#include <string_view>

namespace kerf {

bool is_whitespace(char32_t code_point);
bool is_word(char32_t code_point);

// Bytes of white space at the start and at the end of `text`.
size_t leading_whitespace(std::string_view text);
size_t trailing_whitespace(std::string_view text);

// Whether the first or last character of `text` is a word character; false for "".
bool starts_with_word(std::string_view text);
bool ends_with_word(std::string_view text);

}  // namespace kerf
