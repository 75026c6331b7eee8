// Jinja's tests, the words after `is`.
#pragma once

#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

using TestFn = bool (*)(Runtime& rt, const Value& subject, const Args& args);

[[nodiscard]] TestFn find_test(std::string_view name);  // null when there is none
// Raises when there is no test of that name.
[[nodiscard]] bool apply_test(Runtime& rt, std::string_view name, const Value& subject, const Args& args);

}  // namespace kerf::jinja
