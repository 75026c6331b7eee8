// JsonRules: the rules that every grammar of JSON shares, each made when it is first wanted.
//
// White space is bounded, so that an output cannot go on with it for ever: one space, or a line break and up to
// kMaxIndent spaces, after { [ and , and before } and ]; one space after a colon; none anywhere else.
#pragma once

#include <optional>
#include <string_view>

#include "kerf/io/grammar/grammar_builder.h"

namespace kerf {

inline constexpr uint32_t kMaxIndent = 32;

class JsonRules {
 public:
  explicit JsonRules(GrammarBuilder& builder) : builder_(builder) {}

  Result<RuleId> white_space();
  Result<RuleId> string();  // any, in any spelling
  Result<RuleId> number();
  Result<RuleId> value();
  Result<RuleId> object();
  Result<RuleId> array();
  Result<RuleId> nothing();  // matches no text

  // From after `[` or `{` to after the closing bracket: `end` is reached through white space or none.
  Status close(Nfa& nfa, Nfa::State from, char bracket, Nfa::State end, EdgeFlags flags = 0);
  // A comma and white space.
  Result<Nfa::State> comma(Nfa& nfa, Nfa::State from, EdgeFlags flags = 0);
  Result<Nfa::State> open(Nfa& nfa, Nfa::State from, char bracket);
  static Nfa::State colon(Nfa& nfa, Nfa::State from);

  // Declares a rule and defines it as what leads from begin to end.
  Result<RuleId> make(std::string_view name, const Nfa& nfa, Nfa::State begin, Nfa::State end, Counter counter = {});
  Status define(RuleId rule, const Nfa& nfa, Nfa::State begin, Nfa::State end, Counter counter = {});

 private:
  GrammarBuilder& builder_;
  std::optional<RuleId> white_space_, string_, number_, value_, object_, array_, nothing_;
};

}  // namespace kerf
