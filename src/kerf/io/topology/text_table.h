// Lines and words of what a tool printed, with where they stand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kerf {

struct TextLine {
  int number = 0;    // from 1
  std::string text;  // without colours, carriage return, trailing blanks
};

struct TextWord {
  std::string text;
  size_t column = 0;  // of its first byte
};

// The text's lines in ASCII: without ANSI escape sequences, byte-order mark and no-break spaces; '?' for other bytes.
[[nodiscard]] std::vector<TextLine> clean_lines(std::string_view text);

// The words of a line: what blanks and tabs separate.
[[nodiscard]] std::vector<TextWord> words_of(std::string_view line);

// The cells of a line that tabs separate, trimmed; "a\t\tb" has an empty one.
[[nodiscard]] std::vector<std::string> cells_of(std::string_view line);

// Whether the word is `prefix` and a number, as in GPU12.
[[nodiscard]] bool is_numbered(std::string_view word, std::string_view prefix);

}  // namespace kerf
