#include "kerf/engine/guide.h"

#include <algorithm>

namespace kerf {

Guide::Guide(std::shared_ptr<TokenMasks> masks) : masks_(std::move(masks)), matcher_(masks_->grammar()) {}

Result<TokenRules> Guide::after(std::span<const int32_t> output, std::span<const int32_t> eos_ids) {
  const auto is_eos = [&](int32_t id) { return std::find(eos_ids.begin(), eos_ids.end(), id) != eos_ids.end(); };
  for (; followed_ < output.size(); ++followed_) {
    const int32_t id = output[followed_];
    if (is_eos(id) && (ended_ || matcher_.complete())) {
      ended_ = true;
      continue;
    }
    const std::string_view bytes = masks_->trie().bytes_of(id);
    if (ended_ || bytes.empty() || matcher_.advance(bytes) != bytes.size()) {
      return fail("token {} of the output, id {}, does not match the grammar", followed_, id);
    }
  }
  TokenRules rules{.allowed = ended_ ? &none_ : &matcher_.allowed(*masks_)};
  if (ended_ || matcher_.complete()) rules.also_allowed = eos_ids;
  return rules;
}

Result<std::shared_ptr<TokenMasks>> Grammars::find(const std::string& text) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.first == text; });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
    return kept_.front().second;
  }
  if (!load_) return Error{"grammars need the model's tokenizer, which is not here; ask without one"};
  if (!trie_) {
    Result<TokenTrie> loaded = load_();
    trie_ = loaded.ok()
                ? Result(std::shared_ptr<const TokenTrie>(std::make_shared<const TokenTrie>(std::move(loaded).value())))
                : Result<std::shared_ptr<const TokenTrie>>(loaded.error());
  }
  if (!trie_->ok()) return fail("grammars need the model's tokenizer: {}", trie_->error().message);
  KERF_TRY(Grammar grammar, compile_grammar(text));
  kept_.emplace_front(
      text, std::make_shared<TokenMasks>(std::make_shared<const Grammar>(std::move(grammar)), trie_->value()));
  if (kept_.size() > kKept) kept_.pop_back();
  return kept_.front().second;
}

}  // namespace kerf
