// Regular expressions of JSON Schema's "pattern", as pieces of automata.
//
// Of ECMA 262: characters, ., classes, \d \w \s and their opposites, \t \n \r \f \v \0 \xHH \uHHHH \u{H}, groups, |,
// and the quantifiers * + ? {m} {m,} {m,n} (lazy ones match the same texts). ^ and $ may stand at the ends of the
// pattern's alternatives; without them anything may come before or after. What goes beyond regular languages, or looks
// around, is refused.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/grammar/code_points.h"
#include "kerf/io/grammar/nfa.h"

namespace kerf {

struct RegexNode {
  enum class Kind : uint8_t { kSet, kSequence, kAlternatives, kRepeat };
  Kind kind = Kind::kSequence;
  CodePoints set;                   // kSet: one character of these
  std::vector<RegexNode> children;  // kRepeat: one
  int min = 0;                      // kRepeat
  int max = 0;                      // -1: any number
};

// pattern: UTF-8. The result matches whole texts: "anything before" and "after" are part of it.
[[nodiscard]] Result<RegexNode> parse_regex(std::string_view pattern);

// The characters of a JSON string that match, each in its one spelling, its first byte counting. Fails when the
// automaton becomes too large.
[[nodiscard]] Result<Nfa::State> regex_in_json_string(Nfa& nfa, Nfa::State from, const RegexNode& regex);

}  // namespace kerf
