#include "kerf/io/grammar/token_trie.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

TokenTrie::TokenTrie(std::vector<std::string> bytes) : bytes_(std::move(bytes)) {
  for (std::string& token : bytes_) {
    if (token.size() > std::numeric_limits<uint16_t>::max()) token.clear();
    longest_ = std::max(longest_, token.size());
  }
  std::vector<int32_t> order(bytes_.size());
  std::iota(order.begin(), order.end(), 0);
  std::erase_if(order, [&](int32_t id) { return bytes_[static_cast<size_t>(id)].empty(); });
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return bytes_[static_cast<size_t>(a)] < bytes_[static_cast<size_t>(b)];
  });

  std::vector<uint32_t> path = {0};  // the nodes from the root to the last one made
  nodes_.push_back({.end = 0, .first_token = 0, .depth = 0, .byte = 0});
  const auto leave_to = [&](size_t depth) {
    for (; path.size() > depth + 1; path.pop_back()) nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
  };
  std::string_view previous;
  for (const int32_t id : order) {
    const std::string_view token = bytes_[static_cast<size_t>(id)];
    const auto shared = std::mismatch(previous.begin(), previous.end(), token.begin(), token.end()).second;
    leave_to(static_cast<size_t>(shared - token.begin()));
    for (size_t depth = path.size(); depth <= token.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({.end = 0,
                        .first_token = static_cast<uint32_t>(tokens_.size()),
                        .depth = static_cast<uint16_t>(depth),
                        .byte = static_cast<uint8_t>(token[depth - 1])});
    }
    tokens_.push_back(id);
    previous = token;
  }
  leave_to(0);
  nodes_[0].end = static_cast<uint32_t>(nodes_.size());
}

TokenTrie TokenTrie::of(const Tokenizer& tokenizer) {
  std::vector<std::string> bytes;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    bytes.push_back(tokenizer.is_special(id) ? "" : tokenizer.token_bytes(id));
  }
  return TokenTrie(std::move(bytes));
}

std::string_view TokenTrie::bytes_of(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < bytes_.size() ? std::string_view(bytes_[static_cast<size_t>(id)]) : "";
}

}  // namespace kerf
