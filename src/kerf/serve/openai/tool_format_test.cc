#include "kerf/serve/openai/tool_format.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(ToolFormats, AreKnownByTheirTemplate) {
  EXPECT_EQ(tool_format_of("... <tool_call>{{ call }}</tool_call>"), ToolFormat::kHermes);
  EXPECT_EQ(tool_format_of("{{ '[TOOL_CALLS] [' }}"), ToolFormat::kMistral);
  EXPECT_EQ(tool_format_of("{% if tools %}<|eot_id|>"), ToolFormat::kLlama3);
  EXPECT_EQ(tool_format_of("{{ messages }}"), ToolFormat::kNone);
}

}  // namespace
}  // namespace kerf
