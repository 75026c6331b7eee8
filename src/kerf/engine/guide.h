// Guide: holds a sequence's output to its grammar. Grammars: those in use, compiled.
//
// All of it is a pure function of (grammar, vocabulary, output so far), so a sequence that is resumed from its tokens
// goes on as it would have.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/sampler.h"
#include "kerf/io/grammar/matcher.h"
#include "kerf/io/grammar/token_masks.h"
#include "kerf/io/grammar/token_trie.h"

namespace kerf {

// What the last stage must know of the tokens beside their logits.
struct SamplingVocabulary {
  std::vector<int32_t> eos_ids;
  std::function<Result<TokenTrie>()> load;  // called at most once, for the first grammar; none: grammars are refused
};

// Threading: one thread at a time.
class Guide {
 public:
  explicit Guide(std::shared_ptr<TokenMasks> masks);

  // What may come after `output`. REQUIRES: it continues the output of the call before. Fails when the output does not
  // match the grammar. The rules are good until the next call.
  [[nodiscard]] Result<TokenRules> after(std::span<const int32_t> output, std::span<const int32_t> eos_ids);

 private:
  std::shared_ptr<TokenMasks> masks_;
  GrammarMatcher matcher_;
  size_t followed_ = 0;  // tokens of the output that the matcher has taken
  bool ended_ = false;   // an end-of-sequence token came: only further ones may
  TokenSet none_;
};

// The latest grammars by their texts; two sequences of one grammar share what was found out about it.
// Threading: one thread at a time.
class Grammars {
 public:
  explicit Grammars(std::function<Result<TokenTrie>()> load) : load_(std::move(load)) {}
  [[nodiscard]] Result<std::shared_ptr<TokenMasks>> find(const std::string& text);

 private:
  static constexpr size_t kKept = 16;  // of at most TokenMasks::kMaxBytes each
  std::function<Result<TokenTrie>()> load_;
  std::optional<Result<std::shared_ptr<const TokenTrie>>> trie_;
  std::list<std::pair<std::string, std::shared_ptr<TokenMasks>>> kept_;  // latest first
};

}  // namespace kerf
