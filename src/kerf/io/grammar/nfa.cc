#include "kerf/io/grammar/nfa.h"

namespace kerf {

Nfa::State Nfa::add() {
  nodes_.emplace_back();
  return static_cast<State>(nodes_.size() - 1);
}

void Nfa::bytes(State from, uint8_t low, uint8_t high, State to, EdgeFlags flags) {
  at(from).bytes.push_back({low, high, flags, to});
}

Nfa::State Nfa::bytes(State from, uint8_t low, uint8_t high, EdgeFlags flags) {
  const State to = add();
  bytes(from, low, high, to, flags);
  return to;
}

void Nfa::skip(State from, State to) { at(from).epsilons.push_back(to); }

void Nfa::call(State from, RuleId rule, State to, EdgeFlags flags) { at(from).calls.push_back({rule, flags, to}); }

Nfa::State Nfa::call(State from, RuleId rule, EdgeFlags flags) {
  const State to = add();
  call(from, rule, to, flags);
  return to;
}

Nfa::State Nfa::optional_call(State from, RuleId rule) {
  const State to = call(from, rule);
  skip(from, to);
  return to;
}

Nfa::State Nfa::literal(State from, std::string_view text, EdgeFlags flags) {
  for (const char c : text) {
    from = bytes(from, static_cast<uint8_t>(c), static_cast<uint8_t>(c), flags);
    flags = 0;
  }
  return from;
}

}  // namespace kerf
