// Nfa: how a rule's automaton is put together, piece after piece: most functions take the state where a piece begins
// and return the one where it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "kerf/io/grammar/edge_flags.h"

namespace kerf {

class Nfa {
 public:
  enum class State : uint32_t {};  // a type of its own, so that none is taken for flags
  struct Bytes {
    uint8_t low, high;
    EdgeFlags flags;
    State to;
  };
  struct Call {
    RuleId rule;
    EdgeFlags flags;
    State to;
  };
  struct Node {
    std::vector<Bytes> bytes;
    std::vector<Call> calls;
    std::vector<State> epsilons;
  };

  State add();
  // One byte in [low, high].
  void bytes(State from, uint8_t low, uint8_t high, State to, EdgeFlags flags = 0);
  State bytes(State from, uint8_t low, uint8_t high, EdgeFlags flags = 0);
  // Nothing.
  void skip(State from, State to);
  // Whatever another rule matches.
  void call(State from, RuleId rule, State to, EdgeFlags flags = 0);
  State call(State from, RuleId rule, EdgeFlags flags = 0);
  State optional_call(State from, RuleId rule);
  // Exactly these bytes; the first has the flags. An empty text ends where it begins.
  State literal(State from, std::string_view text, EdgeFlags flags = 0);

  [[nodiscard]] size_t size() const { return nodes_.size(); }
  [[nodiscard]] const Node& node(State state) const { return nodes_[static_cast<size_t>(state)]; }

 private:
  Node& at(State state) { return nodes_[static_cast<size_t>(state)]; }
  std::vector<Node> nodes_;
};

}  // namespace kerf
