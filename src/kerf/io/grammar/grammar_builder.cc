#include "kerf/io/grammar/grammar_builder.h"

#include <algorithm>
#include <functional>
#include <map>

#include "kerf/base/check.h"

namespace kerf {

RuleId GrammarBuilder::declare(std::string name) {
  rules_.push_back({.name = std::move(name), .dfa = {}, .counter = {}});
  return static_cast<RuleId>(rules_.size() - 1);
}

void GrammarBuilder::define(RuleId rule, Dfa dfa, Counter counter) {
  KERF_CHECK(rules_[rule].dfa.states.empty() && !dfa.states.empty() && !dfa.states[0].final);
  rules_[rule].dfa = std::move(dfa);
  rules_[rule].counter = counter;
}

// Whether the counter lets anyone through: not when it may not count, nor when it must and cannot.
bool GrammarBuilder::passable(const Rule& rule, EdgeFlags flags) const {
  if ((flags & kMore) != 0 && rule.counter.max == 0) return false;
  if ((flags & kEnough) == 0 || rule.counter.min == 0) return true;
  return std::any_of(rule.dfa.states.begin(), rule.dfa.states.end(), [&](const Dfa::State& state) {
    return std::any_of(state.edges.begin(), state.edges.end(),
                       [](const Dfa::Edge& edge) { return (edge.flags & kCounts) != 0; }) ||
           std::any_of(state.calls.begin(), state.calls.end(), [&](const Dfa::Call& call) {
             return (call.flags & kCounts) != 0 && rules_[call.rule].productive;
           });
  });
}

// From which states of a rule its end can be reached, by what is known of the rules it calls.
std::vector<bool> GrammarBuilder::living_states(const Rule& rule) const {
  const std::vector<Dfa::State>& states = rule.dfa.states;
  std::vector<std::vector<uint32_t>> sources(states.size());
  std::vector<bool> living(states.size(), false);
  std::vector<uint32_t> todo;
  const bool more = passable(rule, kMore);
  const bool enough = passable(rule, kEnough);
  const auto passes = [&](EdgeFlags flags) {
    return (more || (flags & kMore) == 0) && (enough || (flags & kEnough) == 0);
  };
  for (uint32_t s = 0; s < states.size(); ++s) {
    for (const Dfa::Edge& edge : states[s].edges) {
      if (passes(edge.flags)) sources[edge.to].push_back(s);
    }
    for (const Dfa::Call& call : states[s].calls) {
      if (passes(call.flags) && rules_[call.rule].productive) sources[call.to].push_back(s);
    }
    if (states[s].final) {
      living[s] = true;
      todo.push_back(s);
    }
  }
  while (!todo.empty()) {
    const uint32_t s = todo.back();
    todo.pop_back();
    for (const uint32_t source : sources[s]) {
      if (!living[source]) {
        living[source] = true;
        todo.push_back(source);
      }
    }
  }
  return living;
}

void GrammarBuilder::find_productive() {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = rules_.size(); i-- > 0;) {  // those that others call are mostly declared later
      Rule& rule = rules_[i];
      if (rule.productive || rule.dfa.states.empty() || !living_states(rule)[0]) continue;
      rule.productive = true;
      changed = true;
    }
  }
}

// Takes away what leads to no end.
void GrammarBuilder::prune() {
  for (Rule& rule : rules_) {
    if (!rule.productive) continue;
    const std::vector<bool> living = living_states(rule);
    const bool enough = passable(rule, kEnough);
    for (Dfa::State& state : rule.dfa.states) {
      std::erase_if(state.edges, [&](const Dfa::Edge& edge) {
        return !living[edge.to] || (!enough && (edge.flags & kEnough) != 0);
      });
      std::erase_if(state.calls,
                    [&](const Dfa::Call& call) { return !living[call.to] || !rules_[call.rule].productive; });
    }
  }
}

std::vector<RuleId> GrammarBuilder::reachable_from(RuleId root) const {
  std::vector<RuleId> order = {root};
  std::vector<bool> seen(rules_.size(), false);
  seen[root] = true;
  for (size_t i = 0; i < order.size(); ++i) {
    for (const Dfa::State& state : rules_[order[i]].dfa.states) {
      for (const Dfa::Call& call : state.calls) {
        if (!seen[call.rule]) order.push_back(call.rule);
        seen[call.rule] = true;
      }
    }
  }
  return order;
}

// No rule matches the empty text, so only calls out of a start state come before any byte.
Status GrammarBuilder::check_left_recursion(const std::vector<RuleId>& order) const {
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> state(rules_.size(), kNew);
  struct Visit {
    RuleId rule;
    size_t next;
  };
  for (const RuleId root : order) {
    if (state[root] != kNew) continue;
    std::vector<Visit> path = {{root, 0}};
    state[root] = kOpen;
    while (!path.empty()) {
      const auto [rule, next] = path.back();
      const std::vector<Dfa::Call>& calls = rules_[rule].dfa.states[0].calls;
      if (next == calls.size()) {
        state[rule] = kDone;
        path.pop_back();
        continue;
      }
      ++path.back().next;
      const RuleId callee = calls[next].rule;
      if (state[callee] == kOpen) {
        return fail("{} refers to itself with nothing in between; put it inside an object or array",
                    rules_[callee].name);
      }
      if (state[callee] == kNew) {
        state[callee] = kOpen;
        path.push_back({callee, 0});
      }
    }
  }
  return Ok{};
}

Result<Grammar> GrammarBuilder::finish(RuleId root) {
  find_productive();
  if (!rules_[root].productive) return Error{"no finite text matches the grammar"};
  prune();
  const std::vector<RuleId> order = reachable_from(root);
  KERF_TRY_STATUS(check_left_recursion(order));
  return flatten(order);
}

Grammar GrammarBuilder::flatten(const std::vector<RuleId>& order) const {
  Grammar grammar;
  std::vector<RuleId> new_rule(rules_.size());
  std::vector<uint32_t> first_state(rules_.size());
  uint32_t num_states = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    new_rule[order[i]] = static_cast<RuleId>(i);
    first_state[order[i]] = num_states;
    num_states += static_cast<uint32_t>(rules_[order[i]].dfa.states.size());
  }

  // Bytes are alike until some edge begins or ends between them.
  std::bitset<257> border;
  for (const RuleId id : order) {
    for (const Dfa::State& state : rules_[id].dfa.states) {
      for (const Dfa::Edge& edge : state.edges) {
        border.set(edge.low);
        border.set(edge.high + size_t{1});
      }
    }
  }
  for (size_t byte = 1; byte < 256; ++byte) {
    grammar.class_of_[byte] = static_cast<uint8_t>(grammar.class_of_[byte - 1] + (border[byte] ? 1 : 0));
  }
  grammar.num_classes_ = size_t{1} + grammar.class_of_[255];
  grammar.next_.assign(num_states * grammar.num_classes_, Grammar::kNowhere << 3);

  for (const RuleId id : order) {
    const Rule& rule = rules_[id];
    const uint32_t base = first_state[id];
    grammar.rules_.push_back({.start = base, .counter = rule.counter, .first = {}});
    for (const Dfa::State& state : rule.dfa.states) {
      const size_t row = grammar.states_.size() * grammar.num_classes_;
      for (const Dfa::Edge& edge : state.edges) {
        for (size_t c = grammar.class_of_[edge.low]; c <= grammar.class_of_[edge.high]; ++c) {
          grammar.next_[row + c] = (base + edge.to) << 3 | edge.flags;
        }
      }
      grammar.states_.push_back({.first_call = static_cast<uint32_t>(grammar.calls_.size()),
                                 .num_calls = static_cast<uint16_t>(state.calls.size()),
                                 .final = state.final,
                                 .rule = new_rule[id]});
      for (const Dfa::Call& call : state.calls) {
        const Dfa::State& target = rule.dfa.states[call.to];
        grammar.calls_.push_back({.rule = new_rule[call.rule],
                                  .target = base + call.to,
                                  .flags = call.flags,
                                  .last = target.final && target.edges.empty() && target.calls.empty()});
      }
    }
  }

  // First bytes of the rules called first: without left recursion this ends.
  std::vector<bool> known(grammar.rules_.size(), false);
  const std::function<void(RuleId)> find_first = [&](RuleId id) {
    if (known[id]) return;
    known[id] = true;
    Grammar::Rule& rule = grammar.rules_[id];
    for (size_t byte = 0; byte < 256; ++byte) {
      rule.first[byte] = grammar.next(rule.start, static_cast<uint8_t>(byte)).target != Grammar::kNowhere;
    }
    for (const Grammar::Call& call : grammar.calls_of(grammar.state(rule.start))) {
      find_first(call.rule);
      rule.first |= grammar.rules_[call.rule].first;
    }
  };
  for (RuleId id = 0; id < grammar.rules_.size(); ++id) find_first(id);
  return grammar;
}

}  // namespace kerf
