// Tokens → syntax tree, by Jinja 3.1's grammar with the loopcontrols extension and transformers'
// {% generation %}. Templates that need other files (extends, include, import) are refused.
#pragma once

#include <string_view>

#include "kerf/io/chat_template/ast.h"

namespace kerf::jinja {

// Raises TemplateError with its line.
[[nodiscard]] Program parse_program(std::string_view source);

}  // namespace kerf::jinja
