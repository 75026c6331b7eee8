// What |safe makes: text that counts as HTML, so that `+` and the methods of str escape what joins it.
// Prompts are not HTML, but templates that use |safe get these escapes from Python too.
#pragma once

#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

// &, <, >, " and ' as entities.
void append_escaped_html(TextBuilder& out, std::string_view text);
[[nodiscard]] Value escaped(Runtime& rt, const Value& value);  // str(value) as markup; markup as it is
[[nodiscard]] Args escaped(Runtime& rt, const Args& args);     // the strings among them, and in their lists

[[nodiscard]] Value as_markup(Runtime& rt, const Value& value);  // strings, and the strings of a list

}  // namespace kerf::jinja
