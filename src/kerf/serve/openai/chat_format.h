// The answers of /v1/chat/completions.
#pragma once

#include <memory>

#include "kerf/serve/openai/answer_format.h"
#include "kerf/serve/openai/tools.h"

namespace kerf {

// model and options outlive it.
[[nodiscard]] std::unique_ptr<AnswerFormat> make_chat_format(const ServedModel& model, const GenerationOptions& options,
                                                             ToolChoice choice);

}  // namespace kerf
