// /v1/chat/completions: from the body to a prompt.
#pragma once

#include <string>

#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/fields.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

// The body's messages in the model's template. tools: for the template; null when there are none.
[[nodiscard]] ApiResult<std::string> render_chat(const Fields& body, const Json& tools, const ServedModel& model);

}  // namespace kerf
