// Added tokens: the strings that are cut out of a text, longest first, before the model sees the rest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"

namespace kerf {

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool special = false;      // a control token: left out by decode(skip_special_tokens)
  bool normalized = false;   // looked for in the normalised text, in normalised form
  bool lstrip = false;       // swallows the white space before it
  bool rstrip = false;       // swallows the white space after it
  bool single_word = false;  // counts only where no word character touches it

  // One entry of "added_tokens"; `id` of its own, or from the key where it stands in a table by id.
  static Result<AddedToken> from_json(const JsonNode& node, int32_t id);
};

// A stretch of text between added tokens, or an added token.
struct Segment {
  std::string_view text;
  int32_t id = -1;  // of the added token; -1: ordinary text
};

// Threading: const methods may be called from any number of threads.
class AddedTokenSplitter {
 public:
  AddedTokenSplitter() = default;
  explicit AddedTokenSplitter(std::vector<AddedToken> tokens);

  // Cuts `text`. Matches are leftmost, then longest; with parse_special false, the special ones are text.
  [[nodiscard]] std::vector<Segment> split(std::string_view text, bool parse_special) const;

 private:
  static constexpr int32_t kNone = -1;
  void insert(const std::string& content, int32_t index);
  // The longest token at the start of `text`, as an index into tokens_; kNone for none.
  [[nodiscard]] int32_t longest_at(std::string_view text) const;
  [[nodiscard]] int32_t child(int32_t node, char byte) const;

  std::vector<AddedToken> tokens_;
  // A trie over bytes. Node 0 is the root, whose edges lie in a table because every byte of a text asks it.
  std::array<int32_t, 256> root_{};
  std::unordered_map<uint64_t, int32_t> edges_;  // node << 8 | byte -> node
  std::vector<int32_t> token_at_;                // node -> index into tokens_, or kNone
};

}  // namespace kerf
