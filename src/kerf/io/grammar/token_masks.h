// TokenMasks: which tokens may come next, for a grammar and a vocabulary.
//
// What a token does depends on the stack only once the rule at its top has ended. So the vocabulary is walked once per
// state, on a stack that is not known (pushdown.h), and what was found is kept: the tokens that end inside the rule,
// and the places in the trie where the rule ended with more bytes to come. Only from these places is the trie walked
// again for the stack at hand; there are few, since they lie behind a quote or a bracket.
//
// Cost, measured in bench/grammar_bench.cc: milliseconds for a state that is met the first time, some microseconds
// afterwards. Memory: 1 bit per token and state that was met, or 8 bytes where a counter decides; at kMaxBytes all is
// forgotten.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "kerf/io/grammar/grammar.h"
#include "kerf/io/grammar/pushdown.h"
#include "kerf/io/grammar/token_set.h"
#include "kerf/io/grammar/token_trie.h"

namespace kerf {

// Threading: one thread at a time.
class TokenMasks {
 public:
  static constexpr size_t kMaxBytes = size_t{32} << 20;

  TokenMasks(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);

  // Adds the tokens whose bytes all can follow one of the configurations.
  void add_allowed(StackPool& pool, const std::vector<Config>& configs, TokenSet& allowed);

  [[nodiscard]] const std::shared_ptr<const Grammar>& grammar() const { return grammar_; }
  [[nodiscard]] const TokenTrie& trie() const { return *trie_; }

 private:
  // What was found out about a state.
  struct Bounded {
    int32_t token;
    Demands demands;
  };
  struct Return {
    uint32_t node;
    Demands demands;
  };
  struct Profile {
    TokenSet inside;                // allowed whatever the counter says
    std::vector<Bounded> roomy;     // allowed where there is room; by `room`
    std::vector<TokenSet> strides;  // [i] = the first (i + 1) * kStride of `roomy`
    std::vector<Bounded> needy;     // allowed where there is room and the count is high enough
    std::vector<Return> returns;
    [[nodiscard]] size_t bytes() const;
  };
  static constexpr size_t kStride = 16384;  // so that few are added one by one, and few sets are kept
  const Profile& profile_of(uint32_t state);
  [[nodiscard]] Profile explore(uint32_t state);
  void add_bounded(const Profile& profile, const Config& config, TokenSet& allowed) const;

  // Calls visit(node, configurations) below `top` as far as some configuration goes on. level_[0] are those at `top`.
  template <typename Visit>
  void walk(StackPool& pool, uint32_t top, const Visit& visit);

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  std::unordered_map<uint32_t, std::unique_ptr<const Profile>> profiles_;
  size_t profile_bytes_ = 0;
  std::vector<std::vector<Config>> levels_;  // [depth below the top] configurations
};

}  // namespace kerf
