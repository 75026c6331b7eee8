// Calls of tools in a model's answer, found while it comes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/openai/call_text.h"
#include "kerf/serve/openai/served_model.h"
#include "kerf/serve/openai/tools.h"

namespace kerf {

// A part of a call: the first has its name.
struct CallPart {
  int index = 0;          // of the call in the answer
  std::string name;       // "" in all but the first part
  std::string arguments;  // a piece of their JSON text
};

struct ToolOutput {
  std::string content;  // text beside the calls
  std::vector<CallPart> calls;
};

// Whatever text comes, all of it comes out, as content or as calls: what looks like a call and is none is content.
class ToolCallReader {
 public:
  virtual ~ToolCallReader() = default;
  ToolCallReader(const ToolCallReader&) = delete;
  ToolCallReader& operator=(const ToolCallReader&) = delete;
  [[nodiscard]] virtual ToolOutput push(std::string_view text) = 0;
  [[nodiscard]] virtual ToolOutput finish() = 0;

 protected:
  ToolCallReader() = default;
};

// nullptr when there can be no calls: all is content.
[[nodiscard]] std::unique_ptr<ToolCallReader> make_tool_call_reader(ToolFormat format, const ToolChoice& choice);

// Appends whole calls, which are numbered from next_index on.
void append_calls(ToolOutput& out, std::vector<Call> calls, int& next_index);

}  // namespace kerf
