// GrammarMatcher: one output's way through a grammar, byte by byte or token by token. A pure function of the grammar
// and of the bytes so far.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "kerf/io/grammar/grammar.h"
#include "kerf/io/grammar/pushdown.h"
#include "kerf/io/grammar/token_masks.h"
#include "kerf/io/grammar/token_set.h"

namespace kerf {

// Cheap to copy: some configurations, and a pool of frames that grows with the nesting and the items of the text.
// Threading: one thread at a time.
class GrammarMatcher {
 public:
  explicit GrammarMatcher(std::shared_ptr<const Grammar> grammar);

  // Takes the bytes. When some continuation of none of its readings begins with them, nothing changes, and the number
  // of bytes that could be taken is returned; else their number.
  size_t advance(std::string_view bytes);

  // Whether the text is whole as it is.
  [[nodiscard]] bool complete() const;

  // In how many ways the text can be read, of those that are kept (kMaxReadings).
  [[nodiscard]] size_t num_readings() const { return configs_.size(); }

  // The tokens whose bytes can come next. REQUIRES: masks is of this matcher's grammar.
  // The reference is good until the next call.
  [[nodiscard]] const TokenSet& allowed(TokenMasks& masks);

 private:
  std::shared_ptr<const Grammar> grammar_;
  StackPool pool_;
  std::vector<Config> configs_;
  // Of the last call of allowed(): inside a string the configurations stay the same for many tokens.
  std::vector<Config> allowed_for_;
  TokenSet allowed_;
};

}  // namespace kerf
