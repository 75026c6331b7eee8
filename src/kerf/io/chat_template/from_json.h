#pragma once

#include <nlohmann/json_fwd.hpp>

#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

// What json.loads would give Python. Integers beyond 64 bits become floats. Raises for strings that
// are not UTF-8 and for nesting beyond kMaxValueDepth.
[[nodiscard]] Value from_json(const nlohmann::ordered_json& json);

}  // namespace kerf::jinja
