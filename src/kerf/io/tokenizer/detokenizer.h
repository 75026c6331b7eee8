// Text out of ids, as they come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

// What push() returned so far, with flush() at the end, is Tokenizer::decode of all the ids pushed, and
// always whole characters: bytes that may still become one are held back, bytes that no longer can are
// replaced by U+FFFD.
//
// The first token of a SentencePiece text loses its leading space. To continue a prompt, push the
// prompt's ids first and drop what comes out.
//
// Threading: one stream, one thread. The tokenizer outlives it.
class Detokenizer {
 public:
  Detokenizer(const Tokenizer& tokenizer, bool skip_special_tokens);

  // Ids that are no token add nothing.
  std::string push(int32_t id);

  // What is still held back. The next push() starts a new text.
  std::string flush();

 private:
  std::string trim(std::string text);

  const Tokenizer* tokenizer_;
  bool skip_special_tokens_;
  bool first_ = true;
  std::string pending_;     // bytes of an incomplete character
  size_t trim_start_ = 0;   // how many characters may still be cut off the start
  std::string maybe_last_;  // characters that are cut off if the text ends here
};

}  // namespace kerf
