#include "kerf/serve/openai/tool_format.h"

namespace kerf {

ToolFormat tool_format_of(std::string_view chat_template) {
  const auto mentions = [chat_template](std::string_view text) {
    return chat_template.find(text) != std::string_view::npos;
  };
  if (mentions("<tool_call>")) return ToolFormat::kHermes;
  if (mentions("[TOOL_CALLS]")) return ToolFormat::kMistral;
  if (mentions("<|python_tag|>") || (mentions("<|eot_id|>") && mentions("tools"))) return ToolFormat::kLlama3;
  return ToolFormat::kNone;
}

std::vector<std::string> marks_of(ToolFormat format) {
  switch (format) {
    case ToolFormat::kNone: return {};
    case ToolFormat::kHermes: return {"<tool_call>", "</tool_call>"};
    case ToolFormat::kLlama3: return {"<|python_tag|>"};
    case ToolFormat::kMistral: return {"[TOOL_CALLS]", "[ARGS]"};
  }
  return {};
}

}  // namespace kerf
