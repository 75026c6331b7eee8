#include "kerf/io/grammar/json_rules.h"

#include <string>

#include "kerf/io/grammar/json_text.h"

namespace kerf {

Result<RuleId> JsonRules::make(std::string_view name, const Nfa& nfa, Nfa::State begin, Nfa::State end,
                               Counter counter) {
  const RuleId rule = builder_.declare(std::string(name));
  KERF_TRY_STATUS(define(rule, nfa, begin, end, counter));
  return rule;
}

Status JsonRules::define(RuleId rule, const Nfa& nfa, Nfa::State begin, Nfa::State end, Counter counter) {
  KERF_TRY(Dfa dfa, Dfa::of(nfa, begin, end, builder_.budget()));
  builder_.define(rule, std::move(dfa), counter);
  return Ok{};
}

Result<RuleId> JsonRules::white_space() {
  if (!white_space_) {
    Nfa nfa;
    const Nfa::State begin = nfa.add();
    const Nfa::State end = nfa.bytes(begin, ' ', ' ');
    const Nfa::State line = nfa.bytes(begin, '\n', '\n');
    nfa.bytes(line, ' ', ' ', line, kMore | kCounts);
    nfa.skip(line, end);
    KERF_TRY(white_space_, make("white space", nfa, begin, end, {.max = kMaxIndent}));
  }
  return *white_space_;
}

Result<RuleId> JsonRules::string() {
  if (!string_) {
    Nfa nfa;
    const Nfa::State begin = nfa.add();
    const Nfa::State inside = nfa.literal(begin, "\"");
    json_character_any_spelling(nfa, inside, inside);
    KERF_TRY(string_, make("a string", nfa, begin, nfa.literal(inside, "\"")));
  }
  return *string_;
}

Result<RuleId> JsonRules::number() {
  if (!number_) {
    Nfa nfa;
    const Nfa::State begin = nfa.add();
    const Nfa::State end = json_number(nfa, begin, {});
    KERF_TRY(number_, make("a number", nfa, begin, end));
  }
  return *number_;
}

Result<RuleId> JsonRules::value() {
  if (value_) return *value_;
  value_ = builder_.declare("a value");
  KERF_TRY(const RuleId text, string());
  KERF_TRY(const RuleId digits, number());
  KERF_TRY(const RuleId list, array());
  KERF_TRY(const RuleId map, object());
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  for (const RuleId rule : {text, digits, list, map}) nfa.call(begin, rule, end);
  for (const char* word : {"true", "false", "null"}) nfa.skip(nfa.literal(begin, word), end);
  KERF_TRY_STATUS(define(*value_, nfa, begin, end));
  return *value_;
}

Result<RuleId> JsonRules::array() {
  if (array_) return *array_;
  array_ = builder_.declare("an array");
  KERF_TRY(const RuleId item, value());
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  KERF_TRY(const Nfa::State first, open(nfa, begin, '['));
  nfa.bytes(first, ']', ']', end);
  const Nfa::State after = nfa.call(first, item);
  KERF_TRY(const Nfa::State next, comma(nfa, after));
  nfa.call(next, item, after);
  KERF_TRY_STATUS(close(nfa, after, ']', end));
  KERF_TRY_STATUS(define(*array_, nfa, begin, end));
  return *array_;
}

Result<RuleId> JsonRules::object() {
  if (object_) return *object_;
  object_ = builder_.declare("an object");
  KERF_TRY(const RuleId name, string());
  KERF_TRY(const RuleId member, value());
  Nfa nfa;
  const Nfa::State begin = nfa.add();
  const Nfa::State end = nfa.add();
  KERF_TRY(const Nfa::State first, open(nfa, begin, '{'));
  nfa.bytes(first, '}', '}', end);
  const Nfa::State named = nfa.call(first, name);
  const Nfa::State after = nfa.call(colon(nfa, named), member);
  KERF_TRY(const Nfa::State next, comma(nfa, after));
  nfa.call(next, name, named);
  KERF_TRY_STATUS(close(nfa, after, '}', end));
  KERF_TRY_STATUS(define(*object_, nfa, begin, end));
  return *object_;
}

Result<RuleId> JsonRules::nothing() {
  if (!nothing_) {
    Nfa nfa;
    const Nfa::State begin = nfa.add();
    KERF_TRY(nothing_, make("nothing", nfa, begin, nfa.add()));
  }
  return *nothing_;
}

Status JsonRules::close(Nfa& nfa, Nfa::State from, char bracket, Nfa::State end, EdgeFlags flags) {
  KERF_TRY(const RuleId space, white_space());
  const auto byte = static_cast<uint8_t>(bracket);
  nfa.bytes(from, byte, byte, end, flags);
  nfa.bytes(nfa.call(from, space, flags), byte, byte, end, flags);
  return Ok{};
}

Result<Nfa::State> JsonRules::comma(Nfa& nfa, Nfa::State from, EdgeFlags flags) {
  KERF_TRY(const RuleId space, white_space());
  return nfa.optional_call(nfa.literal(from, ",", flags), space);
}

Result<Nfa::State> JsonRules::open(Nfa& nfa, Nfa::State from, char bracket) {
  KERF_TRY(const RuleId space, white_space());
  return nfa.optional_call(nfa.literal(from, std::string_view(&bracket, 1)), space);
}

Nfa::State JsonRules::colon(Nfa& nfa, Nfa::State from) {
  const Nfa::State after = nfa.literal(from, ":");
  const Nfa::State to = nfa.literal(after, " ");
  nfa.skip(after, to);
  return to;
}

}  // namespace kerf
