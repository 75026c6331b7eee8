#include "kerf/io/grammar/token_masks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "kerf/io/grammar/matcher.h"
#include "kerf/io/tokenizer/fixtures_for_test.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {
namespace {

// Tokens such as vocabularies have: bytes, words, and pieces that leave a string and enter the next.
std::vector<std::string> small_vocabulary(uint32_t seed) {
  std::vector<std::string> tokens = {
      "",         "{\"",    "\":",   "\": ",      "\",\"",  "\"}",    "\"}]",       "},{\"",  "]}",         "]",
      "[[",       "true",   "tru",   "e,\"",      "null",   "12",     "3,4",        ".5",     "5]",         "a\"",
      "ab\",",    "\\\"",   "\\u00", "\n    ",    "\n  \"", " \"b\"", "é",          "\xC3",   "\xA9\"",     "🦙🦙",
      "\xF0\x9F", "\x99\"", "name",  "name\":\"", "aa",     "aaaa",   "aaaaaaaa\"", "1,2,3]", "[1,[2,[3]]]"};
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  std::mt19937 random(seed);
  const std::string alphabet = "\"{}[],:ab1. \\n";
  for (int i = 0; i < 400; ++i) {
    std::string& token = tokens.emplace_back();
    for (uint32_t length = 1 + random() % 6; length > 0; --length) token += alphabet[random() % alphabet.size()];
  }
  return tokens;
}

TokenSet judge_each(const GrammarMatcher& matcher, const TokenTrie& trie) {
  TokenSet allowed(trie.num_ids());
  for (int32_t id = 0; id < static_cast<int32_t>(trie.num_ids()); ++id) {
    const std::string_view bytes = trie.bytes_of(id);
    GrammarMatcher copy = matcher;
    if (!bytes.empty() && copy.advance(bytes) == bytes.size()) allowed.add(id);
  }
  return allowed;
}

class Masks : public ::testing::TestWithParam<const char*> {};

TEST_P(Masks, AreWhatJudgingEachTokenGives) {
  const auto grammar = std::make_shared<const Grammar>(compile_grammar(GetParam()).value());
  const auto trie = std::make_shared<const TokenTrie>(small_vocabulary(3));
  TokenMasks masks(grammar, trie);
  std::mt19937 random(11);
  for (int walk = 0; walk < 12; ++walk) {
    GrammarMatcher matcher(grammar);
    std::string text;
    for (int step = 0; step < 25; ++step) {
      const TokenSet allowed = matcher.allowed(masks);
      ASSERT_EQ(allowed, judge_each(matcher, *trie)) << "after " << text;
      std::vector<int32_t> ids;
      allowed.for_each([&](int32_t id) { ids.push_back(id); });
      if (ids.empty()) {
        ASSERT_TRUE(matcher.complete()) << text;
        break;
      }
      const std::string_view token = trie->bytes_of(ids[random() % ids.size()]);
      ASSERT_EQ(matcher.advance(token), token.size());
      text += token;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Grammars, Masks,
    ::testing::Values(
        "json", R"(schema:{"type": "string", "minLength": 3, "maxLength": 7})",
        R"(schema:{"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                          "minItems": 2, "maxItems": 4})",
        R"(schema:{"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "b": true},
                          "additionalProperties": {"type": "string"}})",
        R"(schema:{"anyOf": [{"type": "string", "maxLength": 3}, {"type": "string", "pattern": "^a*$"},
                          {"type": "array", "items": {"$ref": "#"}}]})",
        R"(schema:{"items": {"type": "number"}})"));

TEST(TokenTrie, HoldsEveryTokenOnce) {
  const std::vector<std::string> tokens = {"ab", "", "a", "abc", "b", "a", "ba"};
  const TokenTrie trie(tokens);
  std::vector<std::string> path;
  std::vector<int32_t> found(tokens.size());
  for (uint32_t node = 0; node < trie.nodes().size(); ++node) {
    const TokenTrie::Node& n = trie.nodes()[node];
    path.resize(n.depth);
    if (n.depth > 0) path[n.depth - 1u] = std::string(1, static_cast<char>(n.byte));
    std::string text;
    for (const std::string& byte : path) text += byte;
    for (const int32_t id : trie.tokens_at(node)) {
      EXPECT_EQ(tokens[static_cast<size_t>(id)], text);
      ++found[static_cast<size_t>(id)];
    }
  }
  EXPECT_THAT(found, ::testing::ElementsAre(1, 0, 1, 1, 1, 1, 1));
  EXPECT_EQ(trie.nodes()[0].end, trie.nodes().size());
  EXPECT_EQ(trie.longest(), 3U);
}

TEST(TokenTrie, LeavesSpecialTokensOut) {
  const auto tokenizer = testing::tokenizer_of(testing::byte_level_json());
  const TokenTrie trie = TokenTrie::of(*tokenizer);
  EXPECT_EQ(trie.bytes_of(262), "") << "<|end|> is special";
  EXPECT_EQ(trie.bytes_of(263), "<tool>") << "not special: it is text";
  EXPECT_EQ(trie.bytes_of('a'), "a");
  EXPECT_EQ(trie.bytes_of(-1), "");
  EXPECT_EQ(trie.bytes_of(100000), "");
}

}  // namespace
}  // namespace kerf
