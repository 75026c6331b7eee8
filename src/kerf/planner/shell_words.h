// A command line as a person wrote it: words, with the blanks and quotes that they came in, so that it can be given
// back with a few words changed. The grammar is that of sh(1) as far as one command needs it: ' " \ and line
// continuations; operators (; & | < > and newlines) stand as words of their own; nothing is expanded.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct ShellWord {
  std::string text;      // as a program would get it
  std::string raw;       // as written
  std::string blank;     // what stands before it
  bool control = false;  // an operator: ; & | && || < > newline …
  bool expands = false;  // holds an unquoted or double-quoted $ or `, which kerf cannot know the value of
};

// Fails on an open quote.
[[nodiscard]] Result<std::vector<ShellWord>> split_shell_words(std::string_view text);

// Words that a shell has already split: quoted again where they need it.
[[nodiscard]] std::vector<ShellWord> shell_words(std::span<const std::string> arguments);

// The text as one word of a shell: as it is where it needs no quotes, else in single quotes.
[[nodiscard]] std::string shell_quote(std::string_view text);

// The command again, blanks and quotes as they were.
[[nodiscard]] std::string join_shell_words(std::span<const ShellWord> words);

}  // namespace kerf
