#include "kerf/io/grammar/matcher.h"

#include <algorithm>
#include <utility>

namespace kerf {

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar)
    : grammar_(std::move(grammar)), configs_{Config{.state = grammar_->root().start, .demands = {}}} {}

size_t GrammarMatcher::advance(std::string_view bytes) {
  std::vector<Config> now = configs_;
  std::vector<Config> next;
  for (size_t i = 0; i < bytes.size(); ++i) {
    next.clear();
    for (const Config& config : now) kerf::advance(*grammar_, pool_, config, static_cast<uint8_t>(bytes[i]), next);
    if (next.empty()) return i;
    std::swap(now, next);
  }
  configs_ = std::move(now);
  return bytes.size();
}

bool GrammarMatcher::complete() const {
  return std::any_of(configs_.begin(), configs_.end(),
                     [&](Config config) { return returns(*grammar_, pool_, config); });
}

const TokenSet& GrammarMatcher::allowed(TokenMasks& masks) {
  if (allowed_for_ != configs_) {
    allowed_ = TokenSet(masks.trie().num_ids());
    masks.add_allowed(pool_, configs_, allowed_);
    allowed_for_ = configs_;
  }
  return allowed_;
}

}  // namespace kerf
