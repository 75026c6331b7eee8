// The "pre_tokenizer" of a tokenizer.json: cuts normalised text into the pieces ("words") that the
// model encodes each on its own.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"
#include "kerf/io/tokenizer/pattern.h"

namespace kerf {

// What a Split does with a match and with the gaps between matches.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct Piece {
  std::string_view text;
  bool at_start = false;  // it begins where the user's text begins
};

struct Pieces {
  std::vector<Piece> list;
  std::deque<std::string> owned;  // texts that are no substring of the input
};

// Sequence, ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit.
// Threading: apply() may be called from any number of threads.
class PreTokenizer {
 public:
  // An absent node is the pre-tokenizer that cuts nothing.
  static Result<PreTokenizer> from_json(const JsonNode& node);

  // The views point into `text` or into `owned` of the result.
  [[nodiscard]] Pieces apply(Piece text) const;

  // Whether a ByteLevel stage ends it: the model's vocabulary spells bytes as kerf/io/tokenizer/byte_alphabet.h
  // says, and the pieces stand for their bytes. (They are handed over as bytes; the model translates.)
  [[nodiscard]] bool byte_level() const { return byte_level_; }

 private:
  using Step = std::function<void(Pieces&)>;
  Status add(const JsonNode& node);
  Status add_byte_level(const JsonNode& node);
  Status add_metaspace(const JsonNode& node);
  void add_split(const Pattern& pattern, SplitBehavior behavior, bool invert);
  Status add_split(std::string_view expression, SplitBehavior behavior, bool invert = false);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

// Cuts `text` at the matches of `pattern`; `invert` makes the gaps the matches. No part is empty.
std::vector<std::string_view> split_text(std::string_view text, const Pattern& pattern, SplitBehavior behavior,
                                         bool invert);

// When a Metaspace (pre-tokenizer or decoder) puts its mark before a text: "first" (at the start of the
// user's text), "always" or "never". Older files say it with "add_prefix_space".
Result<std::string> metaspace_prepend_scheme(const JsonNode& node);

}  // namespace kerf
