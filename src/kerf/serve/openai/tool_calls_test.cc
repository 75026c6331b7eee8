#include "kerf/serve/openai/tool_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace kerf {
namespace {

using ::testing::ElementsAre;

struct Read {
  std::string content;
  std::vector<std::string> calls;  // "name(arguments)"
};

// The text in pieces of so many bytes.
Read read(ToolFormat format, std::string_view text, size_t piece,
          const ToolChoice& choice = {ToolChoice::Kind::kAuto, ""}) {
  const auto reader = make_tool_call_reader(format, choice);
  Read result;
  const auto take = [&result](const ToolOutput& output) {
    result.content += output.content;
    for (const CallPart& part : output.calls) {
      if (!part.name.empty()) result.calls.push_back(part.name + " ");
      result.calls.back() += part.arguments;
    }
  };
  for (size_t at = 0; at < text.size(); at += piece) take(reader->push(text.substr(at, piece)));
  take(reader->finish());
  return result;
}

class ToolCalls : public ::testing::TestWithParam<size_t> {};

TEST_P(ToolCalls, OfHermes) {
  const Read calls = read(ToolFormat::kHermes,
                          "I look.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"</x>\"}}\n</tool_call>\n"
                          "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>",
                          GetParam());
  EXPECT_EQ(calls.content, "I look.");
  EXPECT_THAT(calls.calls, ElementsAre("f {\"a\":\"</x>\"}", "g {}"));
}

TEST_P(ToolCalls, OfHermesWithoutTheirEnd) {
  EXPECT_THAT(read(ToolFormat::kHermes, "<tool_call>{\"name\": \"f\", \"arguments\": {}}", GetParam()).calls,
              ElementsAre("f {}"));
}

TEST_P(ToolCalls, OfLlama3) {
  for (const char* text :
       {"{\"name\": \"f\", \"parameters\": {\"a\": [1, \"}\"]}}; {\"name\": \"g\", \"parameters\": {}}",
        "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": [1, \"}\"]}}\n{\"name\": \"g\", "
        "\"arguments\": \"{}\"}"}) {
    const Read calls = read(ToolFormat::kLlama3, text, GetParam());
    EXPECT_EQ(calls.content, "");
    EXPECT_THAT(calls.calls, ElementsAre("f {\"a\":[1,\"}\"]}", "g {}"));
  }
}

TEST_P(ToolCalls, OfMistral) {
  for (const char* text :
       {"See: [TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", \"arguments\": {}}]",
        "See: [TOOL_CALLS]f[ARGS]{\"a\":1}[TOOL_CALLS]g[ARGS]{}"}) {
    const Read calls = read(ToolFormat::kMistral, text, GetParam());
    EXPECT_EQ(calls.content, "See:");
    EXPECT_THAT(calls.calls, ElementsAre("f {\"a\":1}", "g {}"));
  }
}

TEST_P(ToolCalls, ThatAreNoneStayText) {
  const std::vector<std::pair<ToolFormat, std::string>> texts = {
      {ToolFormat::kHermes, "a <tool_call> b </tool_call> c"},
      {ToolFormat::kHermes, "1 < 2 <tool <tool_cal "},
      {ToolFormat::kHermes, "x\n <tool_call>{\"name\": \"f\""},
      {ToolFormat::kLlama3, "{\"name\": \"f\"}"},
      {ToolFormat::kLlama3, "{\"name\": \"f\", \"parameters\": {}} and more"},
      {ToolFormat::kLlama3, " Hello {\"name\": \"f\", \"parameters\": {}}"},
      {ToolFormat::kLlama3, "<|python"},
      {ToolFormat::kMistral, "a [TOOL_CALLS] nothing"},
      {ToolFormat::kMistral, "a [TOOL"},
  };
  for (const auto& [format, text] : texts) {
    const Read calls = read(format, text, GetParam());
    EXPECT_EQ(calls.content, text);
    EXPECT_TRUE(calls.calls.empty());
  }
}

TEST_P(ToolCalls, RequiredOnesAreAList) {
  const ToolChoice required{ToolChoice::Kind::kRequired, ""};
  EXPECT_THAT(read(ToolFormat::kHermes, "[{\"name\": \"f\", \"parameters\": {}}]", GetParam(), required).calls,
              ElementsAre("f {}"));
  EXPECT_EQ(read(ToolFormat::kHermes, "[{\"name\": \"f\"", GetParam(), required).content, "[{\"name\": \"f\"");
}

INSTANTIATE_TEST_SUITE_P(Pieces, ToolCalls, ::testing::Values(1, 2, 7, 1000));

}  // namespace
}  // namespace kerf
