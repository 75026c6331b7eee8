#include "kerf/io/grammar/dfa.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {
namespace {

Error too_large() {
  return Error{"the grammar needs more states than kerf allows; bound its patterns, lengths and enums more tightly"};
}

// Numbers the states of an automaton that is found by walking it: a key the first time it is seen gets the next.
template <typename Key>
class Numbering {
 public:
  explicit Numbering(GrammarBudget& budget) : budget_(budget) {}
  uint32_t number(const Key& key) {
    const auto [found, fresh] = numbers_.try_emplace(key, static_cast<uint32_t>(keys_.size()));
    if (fresh) keys_.push_back(key);
    return found->second;
  }
  [[nodiscard]] size_t size() const { return keys_.size(); }
  [[nodiscard]] const Key& key(size_t i) const { return keys_[i]; }
  // Takes the states seen so far off the budget; false when it is used up.
  [[nodiscard]] bool within_budget(size_t work) const {
    if (work > budget_.work || keys_.size() > budget_.states) return false;
    budget_.work -= work;
    return true;
  }
  void spend() { budget_.states -= keys_.size(); }

 private:
  GrammarBudget& budget_;
  std::map<Key, uint32_t> numbers_;
  std::vector<Key> keys_;
};

using Subset = std::vector<Nfa::State>;  // ascending

// Adds what is reached from `subset` without a byte.
void close(const Nfa& nfa, Subset& subset) {
  std::sort(subset.begin(), subset.end());
  subset.erase(std::unique(subset.begin(), subset.end()), subset.end());
  std::vector<Nfa::State> todo = subset;
  while (!todo.empty()) {
    const Nfa::State state = todo.back();
    todo.pop_back();
    for (const Nfa::State next : nfa.node(state).epsilons) {
      const auto at = std::lower_bound(subset.begin(), subset.end(), next);
      if (at != subset.end() && *at == next) continue;
      subset.insert(at, next);
      todo.push_back(next);
    }
  }
}

// The bytes at which the edges out of a subset change, so that between two of them all bytes are alike.
std::vector<int> borders_of(const Nfa& nfa, const Subset& subset) {
  std::vector<int> borders;
  for (const Nfa::State state : subset) {
    for (const Nfa::Bytes& edge : nfa.node(state).bytes) {
      borders.push_back(edge.low);
      borders.push_back(edge.high + 1);
    }
  }
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  return borders;
}

// Leaves a range of bytes to each target, joining neighbours that go the same way.
void add_edge(std::vector<Dfa::Edge>& edges, Dfa::Edge edge) {
  if (!edges.empty() && edges.back().high + 1 == edge.low && edges.back().to == edge.to &&
      edges.back().flags == edge.flags) {
    edges.back().high = edge.high;
  } else {
    edges.push_back(edge);
  }
}

// A state and where in one of some words it is; -1: in none.
struct InWords {
  uint32_t state;
  int32_t node;
  auto operator<=>(const InWords&) const = default;
};

struct Counted {
  uint32_t state;
  uint32_t count;
  auto operator<=>(const Counted&) const = default;
};

}  // namespace

Result<Dfa> Dfa::of(const Nfa& nfa, Nfa::State begin, Nfa::State end, GrammarBudget& budget) {
  Numbering<Subset> numbering(budget);
  const auto number = [&](Subset subset) {
    close(nfa, subset);
    return numbering.number(subset);
  };
  Dfa dfa;
  number({begin});
  for (size_t i = 0; i < numbering.size(); ++i) {
    const Subset subset = numbering.key(i);
    State state;
    state.final = std::binary_search(subset.begin(), subset.end(), end);
    const std::vector<int> borders = borders_of(nfa, subset);
    if (!numbering.within_budget(subset.size() * (1 + borders.size()))) return too_large();
    for (size_t b = 0; b + 1 < borders.size(); ++b) {
      Subset targets;
      std::optional<EdgeFlags> flags;
      for (const Nfa::State from : subset) {
        for (const Nfa::Bytes& edge : nfa.node(from).bytes) {
          if (edge.low > borders[b] || edge.high < borders[b]) continue;
          KERF_CHECK(!flags || *flags == edge.flags, "edges of one byte disagree about the counter");
          flags = edge.flags;
          targets.push_back(edge.to);
        }
      }
      if (targets.empty()) continue;
      add_edge(state.edges, {static_cast<uint8_t>(borders[b]), static_cast<uint8_t>(borders[b + 1] - 1), *flags,
                             number(std::move(targets))});
    }
    std::map<std::pair<RuleId, EdgeFlags>, Subset> calls;
    for (const Nfa::State from : subset) {
      for (const Nfa::Call& call : nfa.node(from).calls) calls[{call.rule, call.flags}].push_back(call.to);
    }
    for (auto& [callee, targets] : calls)
      state.calls.push_back({callee.first, callee.second, number(std::move(targets))});
    dfa.states.push_back(std::move(state));
  }
  numbering.spend();
  return dfa;
}

Result<Dfa> Dfa::without(const std::vector<std::string>& words, GrammarBudget& budget) const {
  struct Node {
    std::map<uint8_t, int32_t> next;
    bool word = false;
  };
  std::vector<Node> trie(1);
  for (const std::string& word : words) {
    int32_t at = 0;
    for (const char c : word) {
      const auto [found, fresh] =
          trie[static_cast<size_t>(at)].next.try_emplace(static_cast<uint8_t>(c), static_cast<int32_t>(trie.size()));
      at = found->second;
      if (fresh) trie.emplace_back();
    }
    trie[static_cast<size_t>(at)].word = true;
  }

  Numbering<InWords> numbering(budget);
  numbering.number({0, 0});
  Dfa result;
  for (size_t i = 0; i < numbering.size(); ++i) {
    const InWords key = numbering.key(i);
    const State& from = states[key.state];
    State state;
    state.final = from.final && (key.node < 0 || !trie[static_cast<size_t>(key.node)].word);
    if (!numbering.within_budget(1 + from.edges.size())) return too_large();
    for (const Edge& edge : from.edges) {
      for (int byte = edge.low; byte <= edge.high; ++byte) {
        int32_t node = -1;
        if (key.node >= 0) {
          const auto& next = trie[static_cast<size_t>(key.node)].next;
          const auto found = next.find(static_cast<uint8_t>(byte));
          if (found != next.end()) node = found->second;
        }
        const auto single = static_cast<uint8_t>(byte);
        add_edge(state.edges, {single, single, edge.flags, numbering.number({edge.to, node})});
      }
    }
    result.states.push_back(std::move(state));
  }
  numbering.spend();
  return result;
}

Result<Dfa> Dfa::counted(Counter counter, GrammarBudget& budget) const {
  const uint32_t most = counter.max == kUnlimited ? counter.min : counter.max;  // beyond it counts are alike
  Numbering<Counted> numbering(budget);
  numbering.number({0, 0});
  Dfa result;
  for (size_t i = 0; i < numbering.size(); ++i) {
    const Counted key = numbering.key(i);
    const State& from = states[key.state];
    State state;
    state.final = from.final && key.count >= counter.min;
    if (!numbering.within_budget(1 + from.edges.size())) return too_large();
    for (const Edge& edge : from.edges) {
      uint32_t count = key.count + ((edge.flags & kCounts) != 0 ? 1 : 0);
      if (count > counter.max) continue;
      count = std::min(count, most);
      state.edges.push_back({edge.low, edge.high, 0, numbering.number({edge.to, count})});
    }
    result.states.push_back(std::move(state));
  }
  numbering.spend();
  return result;
}

}  // namespace kerf
