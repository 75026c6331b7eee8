#include "kerf/io/tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/io/tokenizer/fixtures_for_test.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::json;

std::vector<std::string> cut(const std::string& document_text, std::string_view text, bool at_start = true) {
  const json document = json::parse(document_text);
  auto pre_tokenizer = PreTokenizer::from_json(JsonNode(document, "tokenizer.json"));
  EXPECT_TRUE(pre_tokenizer.ok()) << pre_tokenizer.error().message;
  std::vector<std::string> words;
  const Pieces pieces = pre_tokenizer->apply({text, at_start});
  for (const Piece& piece : pieces.list) words.emplace_back(piece.text);
  return words;
}

std::string split(const char* behavior, bool invert = false) {
  return fmt::format(R"({{"type": "Split", "pattern": {{"String": "-"}}, "behavior": "{}", "invert": {}}})", behavior,
                     invert);
}

// The example of the Hugging Face library's documentation.
TEST(PreTokenizer, EverySplitBehavior) {
  const std::string text = "the-final--countdown";
  EXPECT_THAT(cut(split("Removed"), text), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(cut(split("Isolated"), text), ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(cut(split("MergedWithPrevious"), text), ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(cut(split("MergedWithNext"), text), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(cut(split("Contiguous"), text), ElementsAre("the", "-", "final", "--", "countdown"));
  EXPECT_THAT(cut(split("Removed", true), text), ElementsAre("-", "-", "-"));
}

TEST(PreTokenizer, NothingComesOfNothing) {
  EXPECT_THAT(cut(split("Isolated"), ""), IsEmpty());
  EXPECT_THAT(cut(R"({"type": "ByteLevel"})", ""), IsEmpty());
}

TEST(PreTokenizer, Gpt2Words) {
  const char* gpt2 = R"({"type": "ByteLevel", "add_prefix_space": true})";
  EXPECT_THAT(cut(gpt2, "Hello  world's 42!\n"), ElementsAre(" Hello", " ", " world", "'s", " 42", "!", "\n"));
  EXPECT_THAT(cut(gpt2, " x"), ElementsAre(" x"));
}

TEST(PreTokenizer, Llama3Words) {
  const char* llama3 = R"({"type": "Sequence", "pretokenizers": [
    {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})";
  EXPECT_THAT(cut(llama3, "I'LL pay 12345 $x...\n\n  now"),
              ElementsAre("I", "'LL", " pay", " ", "123", "45", " $", "x", "...\n\n", " ", " now"));
  EXPECT_THAT(cut(llama3,
                  "a\xFF\xFE"
                  "b"),
              ElementsAre("a", "\xFF\xFE", "b"));
}

TEST(PreTokenizer, DigitsAndPunctuation) {
  EXPECT_THAT(cut(R"({"type": "Digits", "individual_digits": true})", "a12b"), ElementsAre("a", "1", "2", "b"));
  EXPECT_THAT(cut(R"({"type": "Digits", "individual_digits": false})", "a12b"), ElementsAre("a", "12", "b"));
  EXPECT_THAT(cut(R"({"type": "Punctuation"})", "a,$b"), ElementsAre("a", ",", "$", "b"));
  EXPECT_THAT(cut(R"({"type": "Whitespace"})", "a b!?"), ElementsAre("a", "b", "!?"));
  EXPECT_THAT(cut(R"({"type": "WhitespaceSplit"})", " a  b!"), ElementsAre("a", "b!"));
}

TEST(PreTokenizer, MetaspaceSchemes) {
  const auto metaspace = [](const char* scheme, bool cuts) {
    return fmt::format(R"({{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "{}", "split": {}}})", scheme,
                       cuts);
  };
  EXPECT_THAT(cut(metaspace("always", true), "a bc", false), ElementsAre("▁a", "▁bc"));
  EXPECT_THAT(cut(metaspace("first", false), "a bc", true), ElementsAre("▁a▁bc"));
  EXPECT_THAT(cut(metaspace("first", false), "a bc", false), ElementsAre("a▁bc"));
  EXPECT_THAT(cut(metaspace("never", true), "a bc", true), ElementsAre("a", "▁bc"));
  EXPECT_THAT(cut(metaspace("always", true), " a", true), ElementsAre("▁a"));
  EXPECT_THAT(cut(R"({"type": "Metaspace", "add_prefix_space": false})", "a b"), ElementsAre("a", "▁b"));
}

TEST(PreTokenizer, NothingMayFollowTheBytes) {
  const json document =
      json::parse(R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})");
  EXPECT_NE(PreTokenizer::from_json(JsonNode(document, "t.json")).error().message.find("must come last"),
            std::string::npos);
}

}  // namespace
}  // namespace kerf
