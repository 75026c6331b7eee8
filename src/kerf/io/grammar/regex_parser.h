// The parser behind parse_regex. Internal to kerf/io/grammar.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "kerf/io/grammar/regex.h"

namespace kerf {

class RegexParser {
 public:
  explicit RegexParser(std::string_view pattern);
  [[nodiscard]] Result<RegexNode> parse();

 private:
  // Each consumes what it is named after. An alternative's end is |, ) or the pattern's end.
  Result<RegexNode> alternatives(int depth);
  Result<RegexNode> sequence(int depth);
  Result<RegexNode> atom(int depth);
  Result<RegexNode> group(int depth);
  Result<RegexNode> quantified(RegexNode node);
  Result<CodePoints> bracket_class();
  // After the backslash: a class such as \d, or one character.
  Result<CodePoints> escape();
  Result<char32_t> hex(int digits);
  std::optional<int> number();

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] bool at(char32_t c) const { return !at_end() && text_[at_] == c; }
  bool take(char32_t c);
  bool take(std::u32string_view text);
  [[nodiscard]] Error error(std::string_view why) const;

  std::string_view pattern_;
  std::u32string text_;
  size_t at_ = 0;
};

}  // namespace kerf
