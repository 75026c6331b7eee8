// The two halves of reading a command: the engine's own flags, and what stands before the engine.
#pragma once

#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/planner/command_line.h"

namespace kerf {

// Reads words[first, end) into options and settings.
[[nodiscard]] Status read_options(EngineCommand& command);

// Reads the environment and launchers in words[0, first).
[[nodiscard]] Status read_launcher(EngineCommand& command);

// For messages: control characters replaced, the middle left out when long.
[[nodiscard]] std::string shortened(std::string_view text);

}  // namespace kerf
