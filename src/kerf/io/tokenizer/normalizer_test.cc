#include "kerf/io/tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include "kerf/io/tokenizer/fixtures_for_test.h"

namespace kerf {
namespace {

using testing::json;

std::string normalize(const char* document_text, std::string_view text) {
  const json document = json::parse(document_text);
  auto normalizer = Normalizer::from_json(JsonNode(document, "tokenizer.json"));
  EXPECT_TRUE(normalizer.ok()) << normalizer.error().message;
  return normalizer->apply(text);
}

TEST(Normalizer, UnicodeForms) {
  EXPECT_EQ(normalize(R"({"type": "NFC"})", "e\u0301ﬁ"), "éﬁ");
  EXPECT_EQ(normalize(R"({"type": "NFD"})", "é"), "e\u0301");
  EXPECT_EQ(normalize(R"({"type": "NFKC"})", "e\u0301ﬁ①"), "éfi1");
  EXPECT_EQ(normalize(R"({"type": "NFKD"})", "éﬁ"), "e\u0301fi");
}

TEST(Normalizer, IllFormedBytesPass) {
  EXPECT_EQ(normalize(R"({"type": "NFC"})",
                      "e\u0301\xFF"
                      "e\u0301\xC3"),
            "é\xFFé\xC3");
  EXPECT_EQ(normalize(R"({"type": "Lowercase"})", "A\xFF\xC3"), "a\xFF\xC3");
}

TEST(Normalizer, Lowercase) { EXPECT_EQ(normalize(R"({"type": "Lowercase"})", "ÀΣİ"), "àσi\u0307"); }

TEST(Normalizer, StripTakesUnicodeSpace) {
  EXPECT_EQ(normalize(R"({"type": "Strip", "strip_left": true, "strip_right": true})", " \u3000a b\u00a0\n"), "a b");
  EXPECT_EQ(normalize(R"({"type": "Strip", "strip_left": false, "strip_right": true})", " a "), " a");
  EXPECT_EQ(normalize(R"({"type": "Strip"})", " \x80"), "\x80");
}

TEST(Normalizer, PrependsToTextButNotToNothing) {
  EXPECT_EQ(normalize(R"({"type": "Prepend", "prepend": "▁"})", "a"), "▁a");
  EXPECT_EQ(normalize(R"({"type": "Prepend", "prepend": "▁"})", ""), "");
}

TEST(Normalizer, SequenceAppliesInOrder) {
  const char* document = R"({"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "_"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
      {"type": "Replace", "pattern": {"Regex": "_+"}, "content": "."}]})";
  EXPECT_EQ(normalize(document, " a  b"), ".a.b");
}

TEST(Normalizer, RefusesAnUnknownTypeByName) {
  const json document = json::parse(R"({"type": "Nmt"})");
  EXPECT_NE(Normalizer::from_json(JsonNode(document, "t.json")).error().message.find("\"Nmt\""), std::string::npos);
}

}  // namespace
}  // namespace kerf
