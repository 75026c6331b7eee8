// Text as Python sees it: strings are sequences of code points, held here as valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kerf::jinja {

[[nodiscard]] bool valid_utf8(std::string_view text);

// REQUIRES for all below: text is valid UTF-8, and positions are at character boundaries.
[[nodiscard]] size_t count_chars(std::string_view text);
// The byte where character number `index` starts; text.size() when there are no more than `index`.
[[nodiscard]] size_t byte_offset(std::string_view text, size_t index);
// The character at byte `at`, which moves past it.
[[nodiscard]] char32_t next_char(std::string_view text, size_t& at);
void append_char(std::string& text, char32_t c);

// str.isspace() of one character, which is also what str.strip(), str.split() and \s use.
[[nodiscard]] bool is_space(char32_t c);
[[nodiscard]] bool is_alpha(char32_t c);
[[nodiscard]] bool is_decimal(char32_t c);
[[nodiscard]] bool is_numeric(char32_t c);    // also letters and symbols that are numbers: Ⅷ, ½
[[nodiscard]] bool is_word(char32_t c);       // \w: letters, numbers, underscore
[[nodiscard]] bool is_printable(char32_t c);  // whether repr() shows it as itself
[[nodiscard]] bool is_lower(char32_t c);
[[nodiscard]] bool is_upper(char32_t c);

// str.islower() and str.isupper(): some cased character, and none of the other case.
[[nodiscard]] bool is_lower_text(std::string_view text);
[[nodiscard]] bool is_upper_text(std::string_view text);

// Full case mappings: "ß" becomes "SS".
[[nodiscard]] std::string to_upper(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
// The character at [start, after), lower case as its neighbours demand (a final sigma differs).
void append_lower(std::string& out, std::string_view text, size_t start, size_t after);
[[nodiscard]] std::string to_title(std::string_view character);  // of one character

[[nodiscard]] std::string_view strip_left(std::string_view text);
[[nodiscard]] std::string_view strip_right(std::string_view text);

}  // namespace kerf::jinja
