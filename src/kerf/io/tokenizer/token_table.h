// All tokens of a tokenizer: the model's vocabulary and the added tokens, which go before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kerf/io/tokenizer/added_tokens.h"
#include "kerf/io/tokenizer/vocabulary.h"

namespace kerf {

class TokenTable {
 public:
  TokenTable() = default;
  // Where an added token and the model's share an id, the added one's text counts.
  TokenTable(std::shared_ptr<const Vocabulary> model, const std::vector<AddedToken>& added);

  // One more than the largest id that has a token.
  [[nodiscard]] int32_t size() const { return size_; }
  // Whether `id` has a token; any integer may be asked about.
  [[nodiscard]] bool contains(int32_t id) const { return added_.contains(id) || (model_ && model_->contains(id)); }
  // REQUIRES: contains(id)
  [[nodiscard]] std::string_view token(int32_t id) const;
  [[nodiscard]] bool is_special(int32_t id) const;
  [[nodiscard]] std::optional<int32_t> find(std::string_view token) const;

 private:
  struct Added {
    std::string text;
    bool special;
  };
  std::shared_ptr<const Vocabulary> model_;
  std::unordered_map<int32_t, Added> added_;
  std::unordered_map<std::string, int32_t> added_ids_;
  int32_t size_ = 0;
};

}  // namespace kerf
