// Grammar: what an output must match, as a pushdown automaton over bytes.
//
// A rule is an automaton whose edges are bytes or calls of rules; a text matches when it leads from the root's start to
// one of its final states. No rule matches the empty text, and whatever a text has led to, some continuation matches.
//
// Threading: immutable.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/grammar/edge_flags.h"

namespace kerf {

class Grammar {
 public:
  struct Edge {
    uint32_t target;
    EdgeFlags flags;
  };
  struct Call {
    RuleId rule;
    uint32_t target;
    EdgeFlags flags;
    bool last;  // nothing can follow at `target` but the rule's end
  };
  struct State {
    uint32_t first_call = 0;
    uint16_t num_calls = 0;
    bool final = false;
    RuleId rule = 0;
  };
  struct Rule {
    uint32_t start = 0;
    Counter counter;
    std::bitset<256> first;  // bytes that a text of it can begin with
  };

  [[nodiscard]] const Rule& root() const { return rules_[0]; }
  [[nodiscard]] const Rule& rule(RuleId id) const { return rules_[id]; }
  [[nodiscard]] const State& state(uint32_t id) const { return states_[id]; }
  [[nodiscard]] std::span<const Call> calls_of(const State& state) const {
    return std::span(calls_).subspan(state.first_call, state.num_calls);
  }
  // Where a byte leads; target kNowhere when there is no edge.
  static constexpr uint32_t kNowhere = (1U << 29) - 1;
  [[nodiscard]] Edge next(uint32_t state, uint8_t byte) const {
    const uint32_t packed = next_[state * num_classes_ + class_of_[byte]];
    return {packed >> 3, static_cast<EdgeFlags>(packed & 7)};
  }

  [[nodiscard]] size_t num_states() const { return states_.size(); }
  [[nodiscard]] size_t num_rules() const { return rules_.size(); }

 private:
  friend class GrammarBuilder;
  std::vector<Rule> rules_;
  std::vector<State> states_;
  std::vector<Call> calls_;
  std::array<uint8_t, 256> class_of_{};  // bytes of one class lead to the same places everywhere
  size_t num_classes_ = 0;
  std::vector<uint32_t> next_;  // [state][class] target << 3 | flags
};

// The grammar of SamplingParams::grammar:
//   "json"               any JSON object
//   "schema:" + schema   what a JSON Schema allows (json_schema.h says which keywords)
// Fails in a sentence that names the keyword and its place in the schema.
[[nodiscard]] Result<Grammar> compile_grammar(std::string_view text);

}  // namespace kerf
