// How a model writes its calls of tools, by its chat template.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/openai/served_model.h"

namespace kerf {

// By the text of a model's chat template.
[[nodiscard]] ToolFormat tool_format_of(std::string_view chat_template);
// Special tokens that the format's marks are made of, if the model has them.
[[nodiscard]] std::vector<std::string> marks_of(ToolFormat format);

}  // namespace kerf
