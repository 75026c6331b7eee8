// The messages of a chat, as templates expect them.
#pragma once

#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/fields.h"

namespace kerf {

// body's "messages": contents as one text each, arguments of calls as objects; what else a message holds stays.
[[nodiscard]] ApiResult<Json> parse_messages(const Fields& body);

}  // namespace kerf
