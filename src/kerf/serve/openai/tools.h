// tools and tool_choice of a chat request.
#pragma once

#include <string>

#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/fields.h"

namespace kerf {

struct ToolChoice {
  enum class Kind : uint8_t {
    kNone,      // the model is not told of tools
    kAuto,      // it calls one if it likes, in its own format
    kRequired,  // at least one: the answer is held to a JSON list of calls
    kFunction,  // this one: the answer is held to its arguments
  };
  Kind kind = Kind::kNone;
  std::string function;
};

struct Tools {
  Json list;  // for the template; null when there are none
  ToolChoice choice;
  std::string grammar;  // SamplingParams::grammar of a forced choice, else ""
};

[[nodiscard]] ApiResult<Tools> parse_tools(const Fields& body);

}  // namespace kerf
