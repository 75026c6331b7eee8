// Jinja's built-in filters, with tojson as transformers defines it.
#pragma once

#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

using FilterFn = Value (*)(Runtime& rt, const Value& input, const Args& args);

[[nodiscard]] FilterFn find_filter(std::string_view name);  // null when there is none
// Raises when there is no filter of that name.
[[nodiscard]] Value apply_filter(Runtime& rt, std::string_view name, const Value& input, const Args& args);

// By theme, for find_filter; null when the name is not among them.
[[nodiscard]] FilterFn find_text_filter(std::string_view name);
[[nodiscard]] FilterFn find_number_filter(std::string_view name);
[[nodiscard]] FilterFn find_sequence_filter(std::string_view name);
[[nodiscard]] FilterFn find_selecting_filter(std::string_view name);
[[nodiscard]] FilterFn find_ordering_filter(std::string_view name);

}  // namespace kerf::jinja
