#include "kerf/io/tokenizer/added_tokens.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

// "text", or "[text]" for an added token, one after the other.
std::string shape(const std::vector<AddedToken>& tokens, std::string_view text, bool parse_special = true) {
  const AddedTokenSplitter splitter(tokens);
  std::string result;
  for (const Segment& segment : splitter.split(text, parse_special)) {
    result += segment.id < 0 ? "(" + std::string(segment.text) + ")" : "[" + std::string(segment.text) + "]";
  }
  return result;
}

TEST(AddedTokens, LeftmostThenLongest) {
  const std::vector<AddedToken> tokens = {
      {.content = "<a>", .id = 1}, {.content = "<a><b>", .id = 2}, {.content = "<b>", .id = 3}};
  EXPECT_EQ(shape(tokens, "x<a><b><a>y<b>"), "(x)[<a><b>][<a>](y)[<b>]");
  EXPECT_EQ(shape(tokens, "<a><b"), "[<a>](<b)");
  EXPECT_EQ(shape(tokens, ""), "");
}

TEST(AddedTokens, SpecialOnesAreTextWhenNotParsed) {
  const std::vector<AddedToken> tokens = {{.content = "<s>", .id = 1, .special = true}, {.content = "<t>", .id = 2}};
  EXPECT_EQ(shape(tokens, "a<s>b<t>", false), "(a<s>b)[<t>]");
}

TEST(AddedTokens, SwallowWhiteSpace) {
  EXPECT_EQ(shape({{.content = "<m>", .id = 1, .lstrip = true}}, "a \u3000<m> b"), "(a)[ \u3000<m>]( b)");
  EXPECT_EQ(shape({{.content = "<m>", .id = 1, .rstrip = true}}, "a <m>\n b"), "(a )[<m>\n ](b)");
  EXPECT_EQ(shape({{.content = "<m>", .id = 1, .lstrip = true, .rstrip = true}}, "<m>  <m>"), "[<m>  ][<m>]");
}

TEST(AddedTokens, SingleWordsStandAlone) {
  const std::vector<AddedToken> tokens = {{.content = "in", .id = 1, .single_word = true}};
  EXPECT_EQ(shape(tokens, "in win inn éin -in-"), "[in]( win inn éin -)[in](-)");
}

}  // namespace
}  // namespace kerf
