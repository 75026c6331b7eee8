#include "kerf/io/tokenizer/utf8.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

using namespace std::string_literals;

TEST(Utf8, EveryCodePointSurvivesEncodingAndDecoding) {
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code_point);
    const Utf8Sequence sequence = first_utf8(text);
    ASSERT_EQ(sequence.state, Utf8State::kValid) << static_cast<uint32_t>(code_point);
    ASSERT_EQ(sequence.length, text.size());
    ASSERT_EQ(sequence.code_point, code_point);
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndTooLargeOnes) {
  for (const auto& text : {"\xC0\x80"s, "\xE0\x80\x80"s, "\xF0\x80\x80\x80"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s,
                           "\xF8\x88\x80\x80"s, "\x80"s, "\xFF"s}) {
    EXPECT_EQ(first_utf8(text).state, Utf8State::kInvalid);
    EXPECT_EQ(first_utf8(text).length, 1U);
  }
}

TEST(Utf8, AnUnfinishedCharacterWaitsAndABrokenOneIsReplacedOnce) {
  std::string pending = "a\xF0\x9F\xA6";
  EXPECT_EQ(take_whole_characters(pending), "a");
  EXPECT_EQ(pending, "\xF0\x9F\xA6");
  pending += "\x99!";
  EXPECT_EQ(take_whole_characters(pending), "🦙!");
  pending = "\xF0\x9F\xA6x\xFF";
  EXPECT_EQ(take_whole_characters(pending), "\uFFFDx\uFFFD");
  EXPECT_EQ(pending, "");
}

TEST(Utf8, RunsCoverTheText) {
  std::string seen;
  for_each_utf8_run(
      "ab\xFF\xFE"
      "é\xC3",
      [&](std::string_view run, bool valid) { seen += (valid ? "+" : "-") + std::string(run); });
  EXPECT_EQ(seen, "+ab-\xFF-\xFE+é-\xC3");
}

}  // namespace
}  // namespace kerf
