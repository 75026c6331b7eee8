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
    if (fresh) keys_.push_back(&found->first);
    return found->second;
  }
  [[nodiscard]] size_t size() const { return keys_.size(); }
  [[nodiscard]] const Key& key(size_t i) const { return *keys_[i]; }

  void spend_work(size_t work) { budget_.work -= std::min(work, budget_.work); }
  void spend_states() { budget_.states -= keys_.size(); }
  [[nodiscard]] bool exhausted() const { return budget_.work == 0 || keys_.size() > budget_.states; }

 private:
  GrammarBudget& budget_;
  std::map<Key, uint32_t> numbers_;
  std::vector<const Key*> keys_;  // of numbers_
};

// look(key, numbering): the state of a key. It numbers the keys that its edges lead to, and spends its work.
template <typename Key, typename Look>
Result<Dfa> walked_from(const Key& first, GrammarBudget& budget, const Look& look) {
  Numbering<Key> numbering(budget);
  numbering.number(first);
  Dfa dfa;
  for (size_t i = 0; i < numbering.size(); ++i) {
    dfa.states.push_back(look(numbering.key(i), numbering));
    if (numbering.exhausted()) return too_large();
  }
  numbering.spend_states();
  return dfa;
}

using Subset = std::vector<Nfa::State>;  // ascending

// Adds what is reached without a byte to subsets of one automaton's states.
class Closure {
 public:
  explicit Closure(const Nfa& nfa) : nfa_(nfa), seen_(nfa.size(), false) {}
  void close(Subset& subset) {
    std::erase_if(subset, [&](Nfa::State state) { return !see(state); });
    for (size_t i = 0; i < subset.size(); ++i) {
      for (const Nfa::State next : nfa_.node(subset[i]).epsilons) {
        if (see(next)) subset.push_back(next);
      }
    }
    for (const Nfa::State state : subset) seen_[static_cast<size_t>(state)] = false;
    std::sort(subset.begin(), subset.end());
  }

 private:
  // False when it was seen before.
  bool see(Nfa::State state) {
    const bool fresh = !seen_[static_cast<size_t>(state)];
    seen_[static_cast<size_t>(state)] = true;
    return fresh;
  }
  const Nfa& nfa_;
  std::vector<bool> seen_;  // all false between calls
};

// The bytes at which edges begin or end, so that between two of them all bytes are alike.
std::vector<int> borders_of(const std::vector<Nfa::Bytes>& edges) {
  std::vector<int> borders;
  for (const Nfa::Bytes& edge : edges) {
    borders.push_back(edge.low);
    borders.push_back(edge.high + 1);
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
  Closure closure(nfa);
  Subset first = {begin};
  closure.close(first);
  return walked_from(first, budget, [&](const Subset& subset, Numbering<Subset>& numbering) {
    State state;
    state.final = std::binary_search(subset.begin(), subset.end(), end);
    std::vector<Nfa::Bytes> edges;
    std::map<std::pair<RuleId, EdgeFlags>, Subset> calls;
    for (const Nfa::State from : subset) {
      const Nfa::Node& node = nfa.node(from);
      edges.insert(edges.end(), node.bytes.begin(), node.bytes.end());
      for (const Nfa::Call& call : node.calls) calls[{call.rule, call.flags}].push_back(call.to);
    }
    const auto number = [&](Subset targets) {
      closure.close(targets);
      numbering.spend_work(targets.size());
      return numbering.number(targets);
    };
    const std::vector<int> borders = borders_of(edges);
    numbering.spend_work(edges.size() * borders.size());
    for (size_t b = 0; b + 1 < borders.size() && !numbering.exhausted(); ++b) {
      Subset targets;
      std::optional<EdgeFlags> flags;
      for (const Nfa::Bytes& edge : edges) {
        if (edge.low > borders[b] || edge.high < borders[b]) continue;
        KERF_CHECK(!flags || *flags == edge.flags, "edges of one byte disagree about the counter");
        flags = edge.flags;
        targets.push_back(edge.to);
      }
      if (targets.empty()) continue;
      add_edge(state.edges, {static_cast<uint8_t>(borders[b]), static_cast<uint8_t>(borders[b + 1] - 1), *flags,
                             number(std::move(targets))});
    }
    for (auto& [callee, targets] : calls)
      state.calls.push_back({callee.first, callee.second, number(std::move(targets))});
    return state;
  });
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

  return walked_from(InWords{0, 0}, budget, [&](const InWords& key, Numbering<InWords>& numbering) {
    const State& from = states[key.state];
    State state;
    state.final = from.final && (key.node < 0 || !trie[static_cast<size_t>(key.node)].word);
    for (const Edge& edge : from.edges) {
      numbering.spend_work(size_t{1} + edge.high - edge.low);
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
    return state;
  });
}

Result<Dfa> Dfa::counted(Counter counter, GrammarBudget& budget) const {
  const uint32_t most = counter.max == kUnlimited ? counter.min : counter.max;  // beyond it counts are alike
  return walked_from(Counted{0, 0}, budget, [&](const Counted& key, Numbering<Counted>& numbering) {
    const State& from = states[key.state];
    State state;
    state.final = from.final && key.count >= counter.min;
    numbering.spend_work(from.edges.size());
    for (const Edge& edge : from.edges) {
      uint32_t count = key.count + ((edge.flags & kCounts) != 0 ? 1 : 0);
      if (count > counter.max) continue;
      count = std::min(count, most);
      state.edges.push_back({edge.low, edge.high, 0, numbering.number({edge.to, count})});
    }
    return state;
  });
}

}  // namespace kerf
