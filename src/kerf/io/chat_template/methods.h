// The methods of strings, dicts and lists. Those that would change a value do not exist here.
#pragma once

#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

using MethodFn = Value (*)(Runtime& rt, const Value& self, const Args& args);

// The method `name` of `object`'s type, or null.
[[nodiscard]] MethodFn find_method(const Value& object, std::string_view name);
[[nodiscard]] MethodFn find_string_method(std::string_view name);

// Whether Python has a method of this name that changes the object; the sandbox makes it undefined.
[[nodiscard]] bool is_mutator(const Value& object, std::string_view name);

// object.name, to be called later.
[[nodiscard]] Value bind_method(const Value& object, std::string_view name, MethodFn method);

}  // namespace kerf::jinja
