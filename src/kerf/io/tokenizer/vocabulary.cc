#include "kerf/io/tokenizer/vocabulary.h"

namespace kerf {

Vocabulary::Vocabulary(int32_t size) : tokens_(static_cast<size_t>(size)), known_(static_cast<size_t>(size)) {
  ids_.reserve(static_cast<size_t>(size));
}

void Vocabulary::set(int32_t id, std::string_view token) {
  const auto i = static_cast<size_t>(id);
  known_[i] = true;
  tokens_[i] = token;
  ids_.emplace(tokens_[i], id);
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace kerf
