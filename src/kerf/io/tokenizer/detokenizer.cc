#include "kerf/io/tokenizer/detokenizer.h"

#include <utility>

#include "kerf/io/tokenizer/tokenizer_parts.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special_tokens)
    : tokenizer_(&tokenizer),
      skip_special_tokens_(skip_special_tokens),
      trim_start_(tokenizer.parts().decoder.trim_start().count) {}

std::string Detokenizer::push(int32_t id) {
  const TokenizerParts& parts = tokenizer_->parts();
  if (!parts.tokens.contains(id) || (skip_special_tokens_ && tokenizer_->is_special(id))) return "";
  pending_ += parts.decoder.bytes_of(parts.tokens.token(id), std::exchange(first_, false));
  return trim(take_whole_characters(pending_));
}

std::string Detokenizer::flush() {
  std::string last = trim(pending_.empty() ? "" : std::string(kReplacementCharacter));
  *this = Detokenizer(*tokenizer_, skip_special_tokens_);
  return last;
}

// Cuts the decoder's character off the start of the text, and holds it back at the end.
std::string Detokenizer::trim(std::string text) {
  const auto& [start_character, start_count] = tokenizer_->parts().decoder.trim_start();
  while (trim_start_ > 0 && !text.empty()) {
    if (text.starts_with(start_character)) {
      text.erase(0, start_character.size());
      --trim_start_;
    } else {
      trim_start_ = 0;
    }
  }
  const auto& [end_character, end_count] = tokenizer_->parts().decoder.trim_end();
  text.insert(0, std::exchange(maybe_last_, ""));
  for (size_t i = 0; i < end_count && text.ends_with(end_character); ++i) {
    text.erase(text.size() - end_character.size());
    maybe_last_ += end_character;
  }
  return text;
}

}  // namespace kerf
