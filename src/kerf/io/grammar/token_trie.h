// TokenTrie: a vocabulary by the bytes that its tokens add to a text, so that tokens that begin alike are judged
// together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

class Tokenizer;

class TokenTrie {
 public:
  // bytes[id]: what the token adds; "" for ids that a grammar can't use.
  explicit TokenTrie(std::vector<std::string> bytes);
  // Special tokens and ids without a token are left out.
  static TokenTrie of(const Tokenizer& tokenizer);

  // Nodes lie in preorder: a node's subtree is [node, end). The first is the root, of depth 0.
  struct Node {
    uint32_t end;
    uint32_t first_token;  // into tokens(): those that end here
    uint16_t depth;        // bytes from the root
    uint8_t byte;          // the last of them
  };
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] std::span<const int32_t> tokens_at(uint32_t node) const {
    const uint32_t end =
        node + 1 < nodes_.size() ? nodes_[node + 1].first_token : static_cast<uint32_t>(tokens_.size());
    return std::span(tokens_).subspan(nodes_[node].first_token, end - nodes_[node].first_token);
  }

  // "" outside the vocabulary.
  [[nodiscard]] std::string_view bytes_of(int32_t id) const;
  [[nodiscard]] size_t num_ids() const { return bytes_.size(); }
  [[nodiscard]] size_t longest() const { return longest_; }  // bytes

 private:
  std::vector<std::string> bytes_;
  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_;
  size_t longest_ = 0;
};

}  // namespace kerf
