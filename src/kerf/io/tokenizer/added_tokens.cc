#include "kerf/io/tokenizer/added_tokens.h"

#include <utility>

#include "kerf/io/tokenizer/unicode.h"

namespace kerf {

Result<AddedToken> AddedToken::from_json(const JsonNode& node, int32_t id) {
  AddedToken token;
  token.id = id;
  KERF_TRY(token.content, node["content"].string());
  KERF_TRY(token.special, node["special"].boolean_or(false));
  KERF_TRY(token.normalized, node["normalized"].boolean_or(!token.special));
  KERF_TRY(token.lstrip, node["lstrip"].boolean_or(false));
  KERF_TRY(token.rstrip, node["rstrip"].boolean_or(false));
  KERF_TRY(token.single_word, node["single_word"].boolean_or(false));
  return token;
}

AddedTokenSplitter::AddedTokenSplitter(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)), token_at_{kNone} {
  root_.fill(kNone);
  for (size_t i = 0; i < tokens_.size(); ++i) insert(tokens_[i].content, static_cast<int32_t>(i));
}

void AddedTokenSplitter::insert(const std::string& content, int32_t index) {
  int32_t node = 0;
  for (const char byte : content) {
    int32_t next = child(node, byte);
    if (next == kNone) {
      next = static_cast<int32_t>(token_at_.size());
      token_at_.push_back(kNone);
      const auto edge = static_cast<uint8_t>(byte);
      if (node == 0) {
        root_[edge] = next;
      } else {
        edges_.emplace((static_cast<uint64_t>(node) << 8) | edge, next);
      }
    }
    node = next;
  }
  if (node != 0) token_at_[static_cast<size_t>(node)] = index;
}

int32_t AddedTokenSplitter::child(int32_t node, char byte) const {
  const auto edge = static_cast<uint8_t>(byte);
  if (node == 0) return root_[edge];
  const auto found = edges_.find((static_cast<uint64_t>(node) << 8) | edge);
  return found == edges_.end() ? kNone : found->second;
}

int32_t AddedTokenSplitter::longest_at(std::string_view text) const {
  int32_t longest = kNone;
  int32_t node = 0;
  for (const char byte : text) {
    node = child(node, byte);
    if (node == kNone) break;
    if (token_at_[static_cast<size_t>(node)] != kNone) longest = token_at_[static_cast<size_t>(node)];
  }
  return longest;
}

std::vector<Segment> AddedTokenSplitter::split(std::string_view text, bool parse_special) const {
  if (text.empty()) return {};
  if (tokens_.empty()) return {{text}};
  std::vector<Segment> segments;
  size_t done = 0;  // everything before is in `segments`
  for (size_t at = 0; at < text.size();) {
    const int32_t index = longest_at(text.substr(at));
    if (index == kNone) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<size_t>(index)];
    size_t begin = at;
    size_t end = at + token.content.size();
    at = end;  // a match that does not count is not searched for a shorter one either
    if (token.special && !parse_special) continue;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
    if (token.lstrip) begin -= trailing_whitespace(text.substr(done, begin - done));
    if (token.rstrip) end += leading_whitespace(text.substr(end));
    if (begin > done) segments.push_back({text.substr(done, begin - done)});
    segments.push_back({text.substr(begin, end - begin), token.id});
    at = done = end;
  }
  if (done < text.size()) segments.push_back({text.substr(done)});
  return segments;
}

}  // namespace kerf
