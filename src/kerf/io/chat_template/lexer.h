// Template source → tokens, with Jinja's whitespace control under transformers' settings:
// trim_blocks (a newline after a block or comment tag goes), lstrip_blocks (blanks from the start of
// a line up to a block or comment tag go), keep_trailing_newline off, and `-` / `+` in the tags.
#pragma once

#include <string_view>
#include <vector>

#include "kerf/io/chat_template/token.h"

namespace kerf::jinja {

// Raises TemplateError with its line. The last token is kEnd.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}  // namespace kerf::jinja
