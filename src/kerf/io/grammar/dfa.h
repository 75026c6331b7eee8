// Dfa: a rule's automaton without choices among bytes: from a state, a byte leads to one state at most. Calls of other
// rules remain choices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/grammar/nfa.h"

namespace kerf {

// What a grammar may still take: bounds memory and time, whatever a schema says.
struct GrammarBudget {
  size_t states = size_t{1} << 15;  // of all automata together
  size_t work = size_t{1} << 24;    // states and edges looked at while they were made
};

struct Dfa {
  struct Edge {
    uint8_t low, high;
    EdgeFlags flags;
    uint32_t to;
  };
  struct Call {
    RuleId rule;
    EdgeFlags flags;
    uint32_t to;
  };
  struct State {
    std::vector<Edge> edges;  // by byte, without overlaps
    std::vector<Call> calls;
    bool final = false;
  };
  std::vector<State> states;  // the first is where the rule begins

  // Subset construction. Fails when the budget is used up.
  // REQUIRES: edges that share a byte and can be reached by the same text have the same flags.
  static Result<Dfa> of(const Nfa& nfa, Nfa::State begin, Nfa::State end, GrammarBudget& budget);

  // Without these texts. REQUIRES: no calls.
  [[nodiscard]] Result<Dfa> without(const std::vector<std::string>& words, GrammarBudget& budget) const;
  // Only texts on whose way min to max edges count; the flags go. REQUIRES: no calls.
  [[nodiscard]] Result<Dfa> counted(Counter counter, GrammarBudget& budget) const;
};

}  // namespace kerf
