#include "kerf/io/tokenizer/sentencepiece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <fstream>

#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The few lines of protobuf that a ModelProto needs.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes += static_cast<char>(value);
}
std::string number(int field, uint64_t value) { return varint(static_cast<uint64_t>(field) << 3) + varint(value); }
std::string message(int field, const std::string& bytes) {
  return varint((static_cast<uint64_t>(field) << 3) | 2) + varint(bytes.size()) + bytes;
}
std::string score(float value) {
  std::string bytes(1, (2 << 3) | 5);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(std::bit_cast<uint32_t>(value) >> shift);
  return bytes;
}

enum PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

// <unk> <s> </s>, 256 bytes, then "▁" 259, "a" 260, "b" 261, "▁a" 262, "ab" 263, "▁ab" 264 and `extra`.
std::string tiny_model(const std::vector<std::string>& extra = {}) {
  float rank = 0;
  const auto piece = [&](const std::string& text, PieceType type) {
    return message(1, message(1, text) + score(rank) + number(3, type));
  };
  std::string model = piece("<unk>", kUnknown) + piece("<s>", kControl) + piece("</s>", kControl);
  for (int byte = 0; byte < 256; ++byte) model += piece(fmt::format("<0x{:02X}>", byte), kByte);
  std::vector<std::string> pieces = {"▁", "a", "b", "▁a", "ab", "▁ab"};
  pieces.insert(pieces.end(), extra.begin(), extra.end());
  for (const std::string& text : pieces) {
    model += piece(text, kNormal);
    rank -= 1;
  }
  model += message(2, number(3, 2) + number(35, 1));                                // trainer_spec: BPE, byte_fallback
  return model + message(3, message(1, "identity") + number(3, 1) + number(4, 0));  // keep extra spaces
}

std::unique_ptr<Tokenizer> tokenizer_of(const std::string& model, std::string_view config = "") {
  auto parsed = TokenizerConfig::from_json(config, "tokenizer_config.json");
  EXPECT_TRUE(parsed.ok());
  auto parts = parts_from_sentencepiece(model, "tokenizer.model", *parsed);
  EXPECT_TRUE(parts.ok()) << parts.error().message;
  return std::make_unique<Tokenizer>(std::move(parts).value());
}

TEST(SentencePieceModel, EncodesWithBosAndDecodes) {
  const auto tokenizer = tokenizer_of(tiny_model());
  EXPECT_THAT(tokenizer->encode("ab  a\n"), ElementsAre(1, 264, 259, 262, 3 + '\n'));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab  a é"), true), "ab  a é");
  EXPECT_THAT(tokenizer->encode(""), ElementsAre(1));
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_TRUE(tokenizer->is_special(0));
}

TEST(SentencePieceModel, TheConfigurationDecidesBosAndEos) {
  EXPECT_THAT(tokenizer_of(tiny_model(), R"({"add_bos_token": false, "add_eos_token": true})")->encode("a"),
              ElementsAre(262, 2));
}

TEST(SentencePieceModel, ControlTokensInATextAreTokensOnlyIfAsked) {
  const auto tokenizer = tokenizer_of(tiny_model());
  EXPECT_THAT(tokenizer->encode("a</s>a"), ElementsAre(1, 262, 2, 262));
  EXPECT_GT(tokenizer->encode("a</s>a", {.parse_special = false}).size(), 5U);
}

TEST(SentencePieceModel, WithoutLegacyOnlyTheStartGetsASpace) {
  const auto tokenizer = tokenizer_of(tiny_model(), R"({"legacy": false})");
  EXPECT_THAT(tokenizer->encode("a</s>a a"), ElementsAre(1, 262, 2, 260, 262));
}

// A piece that reaches into a space forbids cutting the text there.
TEST(SentencePieceModel, APieceAcrossASpaceIsFound) {
  const auto tokenizer = tokenizer_of(tiny_model({"b▁"}));
  EXPECT_THAT(tokenizer->encode("b b"), ElementsAre(1, 259, 265, 261));
}

TEST(SentencePieceModel, AMarkInTheTextIsASpaceToo) {
  const auto tokenizer = tokenizer_of(tiny_model({"▁▁"}));
  EXPECT_THAT(tokenizer->encode("a▁ a"), ElementsAre(1, 262, 259, 262));
  EXPECT_THAT(tokenizer->encode("a▁ b"), ElementsAre(1, 262, 265, 261));
}

TEST(SentencePieceModel, AnyBytesEncode) {
  const auto tokenizer = tokenizer_of(tiny_model());
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a\xFF\xC3"
                                                "b"),
                              true),
            "a\uFFFD\uFFFDb");
}

TEST(SentencePieceModel, RefusesWhatIsNone) {
  for (const std::string& model : {std::string(), std::string("hello"), tiny_model().substr(0, 100)}) {
    const auto parts = parts_from_sentencepiece(model, "dir/tokenizer.model", {});
    ASSERT_FALSE(parts.ok());
    EXPECT_THAT(parts.error().message, HasSubstr("dir/tokenizer.model: "));
  }
}

}  // namespace
}  // namespace kerf
