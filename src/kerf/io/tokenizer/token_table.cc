#include "kerf/io/tokenizer/token_table.h"

#include <algorithm>
#include <utility>

namespace kerf {

TokenTable::TokenTable(std::shared_ptr<const Vocabulary> model, const std::vector<AddedToken>& added)
    : model_(std::move(model)), size_(model_->size()) {
  for (const AddedToken& token : added) {
    added_.insert_or_assign(token.id, Added{token.content, token.special});
    added_ids_.insert_or_assign(token.content, token.id);
    size_ = std::max(size_, token.id + 1);
  }
}

std::string_view TokenTable::token(int32_t id) const {
  const auto found = added_.find(id);
  return found != added_.end() ? std::string_view(found->second.text) : model_->token(id);
}

bool TokenTable::is_special(int32_t id) const {
  const auto found = added_.find(id);
  return found != added_.end() && found->second.special;
}

std::optional<int32_t> TokenTable::find(std::string_view token) const {
  const auto found = added_ids_.find(std::string(token));
  if (found != added_ids_.end()) return found->second;
  return model_->find(token);
}

}  // namespace kerf
