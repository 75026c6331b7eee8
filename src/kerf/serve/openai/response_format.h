// response_format, and vLLM's guided_json: what the answer must match.
#pragma once

#include <string>

#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/fields.h"

namespace kerf {

// SamplingParams::grammar: "" when the answer is free.
[[nodiscard]] ApiResult<std::string> parse_response_format(const Fields& body);

// The grammar of a JSON Schema.
[[nodiscard]] std::string schema_grammar(const Json& schema);

// Whether the engine can hold an answer to it. param: the field that asks for it.
[[nodiscard]] ApiStatus check_grammar(const std::string& grammar, std::string_view param);

}  // namespace kerf
