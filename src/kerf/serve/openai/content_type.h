// Which bodies are taken.
#pragma once

#include <optional>

#include "kerf/serve/http/message.h"

namespace kerf {

// 415 unless the body is called application/json: vLLM's rule, and a guard, because a page of another origin cannot
// send this type unasked.
[[nodiscard]] std::optional<HttpResponse> refuse_unless_json(const HttpHead& head);

}  // namespace kerf
