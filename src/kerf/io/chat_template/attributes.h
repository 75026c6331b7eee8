// obj.name, obj[key] and obj[a:b:c], with the fallbacks of Jinja's sandbox.
#pragma once

#include <optional>
#include <string_view>

#include "kerf/io/chat_template/runtime.h"

namespace kerf::jinja {

// An attribute first, then an item of that name; undefined when there is neither.
[[nodiscard]] Value get_attr(Runtime& rt, const Value& object, std::string_view name);
// An item first, then an attribute of that name.
[[nodiscard]] Value get_item(Runtime& rt, const Value& object, const Value& key);
// `start`, `stop`, `step` are none where absent. Raises for what cannot be sliced.
[[nodiscard]] Value get_slice(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                              const Value& step);
// What Python's getattr finds, without the fallback to items.
[[nodiscard]] std::optional<Value> own_attr(Runtime& rt, const Value& object, std::string_view name);

// Raises where Python's len() does.
[[nodiscard]] size_t length(const Value& value);

}  // namespace kerf::jinja
