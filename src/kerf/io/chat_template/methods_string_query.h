#pragma once

#include "kerf/io/chat_template/methods.h"

namespace kerf::jinja {

// str's methods that ask about text, or null.
[[nodiscard]] MethodFn find_string_query(std::string_view name);

}  // namespace kerf::jinja
