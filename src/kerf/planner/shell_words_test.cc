#include "kerf/planner/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

std::vector<std::string> texts(std::string_view line) {
  const auto words = split_shell_words(line);
  std::vector<std::string> result;
  if (!words.ok()) return {words.error().message};
  for (const ShellWord& word : *words) result.push_back(word.text);
  return result;
}

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ShellWords, SplitsAsAShellDoes) {
  EXPECT_THAT(texts("vllm  serve\tm"), ElementsAre("vllm", "serve", "m"));
  EXPECT_THAT(texts(R"(a 'b c' "d \"e\" $F" g\ h '')"), ElementsAre("a", "b c", "d \"e\" $F", "g h", ""));
  EXPECT_THAT(texts("a \\\n  --b 1 # why\n"), ElementsAre("a", "--b", "1", "\n"));
  EXPECT_THAT(texts("a&&b>log 2>&1"), ElementsAre("a", "&&", "b", ">", "log", "2", ">", "&", "1"));
  EXPECT_THAT(texts("--tp $(nvidia-smi -L | wc -l)"), ElementsAre("--tp", "$(nvidia-smi -L | wc -l)"));
}

TEST(ShellWords, RefusesAnOpenQuote) {
  EXPECT_THAT(texts("a 'b"), ElementsAre(HasSubstr("open '")));
  EXPECT_THAT(texts("a \"b"), ElementsAre(HasSubstr("open \"")));
}

TEST(ShellWords, GivesBackWhatItRead) {
  for (const std::string line : {"a  'b c' \\\n  --x=\"1\" ; d > log", "", "  a ", "a\\", "# only a comment"}) {
    const auto words = split_shell_words(line);
    ASSERT_TRUE(words.ok());
    EXPECT_EQ(line.substr(0, join_shell_words(*words).size()), join_shell_words(*words));
  }
}

TEST(ShellWords, QuotesWhatNeedsIt) {
  EXPECT_EQ(shell_quote("meta-llama/Llama-3.1-8B"), "meta-llama/Llama-3.1-8B");
  EXPECT_EQ(shell_quote("{\"a\": 1}"), "'{\"a\": 1}'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
}

}  // namespace
}  // namespace kerf
