#include "kerf/io/tokenizer/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace kerf {
namespace {

Pattern regex(std::string_view expression) {
  auto pattern = Pattern::regex(expression);
  EXPECT_TRUE(pattern.ok()) << pattern.error().message;
  return *pattern;
}

TEST(Pattern, ClassesAreUnicode) {
  EXPECT_EQ(regex(R"(\p{L}+)").replace_all("été 你好 x1", "L"), "L L L1");
  EXPECT_EQ(regex(R"(\s+)").replace_all("a\u00a0\u3000b", "_"), "a_b");
}

TEST(Pattern, EmptyMatchesSeparateCharactersOnce) {
  EXPECT_EQ(regex("x*").replace_all("aéxb", "-"), "-a-é-b-");
  EXPECT_EQ(regex("(?=[A-Z])").find_all("aBC").size(), 2U);
}

TEST(Pattern, IllFormedBytesMatchNothing) {
  EXPECT_EQ(regex(".").replace_all("a\xFF"
                                   "b",
                                   "."),
            ".\xFF.");
  EXPECT_EQ(Pattern::literal("ab").replace_all("xab\xFF"
                                               "ab",
                                               "-"),
            "x-\xFF-");
}

TEST(Pattern, AnExponentialExpressionGivesUpQuickly) {
  EXPECT_TRUE(regex("(a+)+b").find_all(std::string(60, 'a')).empty());
}

TEST(Pattern, LongRunsOfWhiteSpaceDoNot) {
  const std::string spaces(1'000'000, ' ');
  EXPECT_EQ(regex(R"(\s*[\r\n]+|\s+(?!\S)|\s+)").find_all(spaces + "x").size(), 2U);
}

TEST(Pattern, RefusesWhatDoesNotCompile) {
  EXPECT_NE(Pattern::regex("(").error().message.find("does not compile"), std::string::npos);
  EXPECT_FALSE(Pattern::regex(R"(\C)").ok());  // would cut characters in two
  EXPECT_FALSE(Pattern::regex(std::string(1'000'000, '(')).ok());
}

}  // namespace
}  // namespace kerf
