#include "kerf/io/tokenizer/detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "kerf/io/tokenizer/fixtures_for_test.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

using testing::byte_level_json;
using testing::json;
using testing::sentencepiece_json;
using testing::tokenizer_of;

TEST(Detokenizer, NeverShowsHalfACharacter) {
  const auto tokenizer = tokenizer_of(byte_level_json());  // id b is the byte b
  Detokenizer stream(*tokenizer, true);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0xA6), "");
  EXPECT_EQ(stream.push(0x99), "🦙");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push('a'), "\uFFFDa");  // can no longer become a character
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.flush(), "\uFFFD");
  EXPECT_EQ(stream.push('b'), "b");
}

TEST(Detokenizer, OnlyTheFirstSpaceGoes) {
  const auto tokenizer = tokenizer_of(sentencepiece_json());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a abc a"), true), "a abc a");
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("  a"), true), "  a");
  Detokenizer stream(*tokenizer, true);
  EXPECT_EQ(stream.push(1), "");    // <s>
  EXPECT_EQ(stream.push(259), "");  // the space that encode put there
  EXPECT_EQ(stream.push(264), " a");
}

TEST(Detokenizer, SpecialTokensShowOnlyIfAsked) {
  const auto tokenizer = tokenizer_of(byte_level_json());
  const std::vector<int32_t> ids = tokenizer->encode("hi<|end|><tool>");
  EXPECT_EQ(tokenizer->decode(ids, false), "hi<|end|><tool>");
  EXPECT_EQ(tokenizer->decode(ids, true), "hi<tool>");
}

TEST(Detokenizer, IdsThatAreNoTokenAddNothing) {
  const auto tokenizer = tokenizer_of(sentencepiece_json());
  const std::vector<int32_t> ids = {264, -1, 100000, INT32_MAX, INT32_MIN, 264};
  EXPECT_EQ(tokenizer->decode(ids, true), "a a");
}

// Random ids, every decoder: the stream is the whole, in valid UTF-8 at every step.
TEST(Detokenizer, TheStreamIsTheWhole) {
  json both_ends = sentencepiece_json();
  both_ends["decoder"]["decoders"].back()["stop"] = 2;
  json metaspace = sentencepiece_json();
  metaspace["decoder"] = json::parse(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})");
  json none = sentencepiece_json();
  none["decoder"] = nullptr;
  std::mt19937 random(3);
  for (const json& document : {byte_level_json(), sentencepiece_json(), both_ends, metaspace, none}) {
    const auto tokenizer = tokenizer_of(document);
    for (int round = 0; round < 300; ++round) {
      Detokenizer stream(*tokenizer, round % 2 == 0);
      std::vector<int32_t> ids;
      std::string text;
      for (int i = 0; i < 30; ++i) {
        ids.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(tokenizer->vocab_size() + 3)));
        if (random() % 3 == 0) ids.back() = 259;  // "▁", or a merge's result
        const std::string shown = stream.push(ids.back());
        ASSERT_EQ(valid_utf8_prefix(shown), shown.size());
        text += shown;
      }
      ASSERT_EQ(text + stream.flush(), tokenizer->decode(ids, round % 2 == 0));
    }
  }
}

TEST(Detokenizer, StripsTheEndOnlyWhereTheTextEnds) {
  json document = sentencepiece_json();
  document["decoder"]["decoders"].back()["stop"] = 1;
  const auto tokenizer = tokenizer_of(document);
  Detokenizer stream(*tokenizer, true);
  EXPECT_EQ(stream.push(264), "a");
  EXPECT_EQ(stream.push(259), "");  // a space that may be the last
  EXPECT_EQ(stream.push(259), " ");
  EXPECT_EQ(stream.push(260), " a");
  EXPECT_EQ(stream.push(259), "");
  EXPECT_EQ(stream.flush(), "");
}

TEST(Detokenizer, MetaspaceDropsTheMarkOfTheFirstToken) {
  json document = sentencepiece_json();
  document["decoder"] = json::parse(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"})");
  EXPECT_EQ(tokenizer_of(document)->decode(std::vector<int32_t>{264, 264}, true), "a a");
  document["decoder"]["prepend_scheme"] = "never";
  EXPECT_EQ(tokenizer_of(document)->decode(std::vector<int32_t>{264, 264}, true), " a a");
}

}  // namespace
}  // namespace kerf
