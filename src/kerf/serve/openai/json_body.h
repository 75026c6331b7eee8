// A request's body as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "kerf/serve/openai/api_result.h"

namespace kerf {

// Names keep their order: a template prints a tool's schema as it was written.
using Json = nlohmann::ordered_json;

// An object, nested 64 levels at most, in valid UTF-8, with finite numbers, and cheap to look names up in.
[[nodiscard]] ApiResult<Json> parse_body(std::string_view body);

// JSON inside a string of a request: a schema, a call's arguments. Any value; the same limits. nullopt when it is none.
[[nodiscard]] std::optional<Json> parse_inner_json(std::string_view text);

}  // namespace kerf
