// Calls of tools that follow a mark in the answer's text.
#pragma once

#include <memory>

#include "kerf/serve/openai/tool_calls.h"

namespace kerf {

[[nodiscard]] std::unique_ptr<ToolCallReader> make_hermes_reader();
[[nodiscard]] std::unique_ptr<ToolCallReader> make_mistral_reader();

}  // namespace kerf
