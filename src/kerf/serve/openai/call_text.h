// Calls of tools as models write them: from a finished text to names and arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

struct Call {
  std::string name;
  std::string arguments;  // a JSON text
};

[[nodiscard]] bool is_json_space(char c);
[[nodiscard]] std::string_view trimmed(std::string_view text);

// All of these return nullopt when any part of the text is something else.

// {"name": …, "arguments" or "parameters": {…} or a JSON text}
[[nodiscard]] std::optional<Call> call_of(std::string_view text);

// A list of such objects.
[[nodiscard]] std::optional<std::vector<Call>> calls_of_list(std::string_view text);

// Llama 3's: such objects one after the other, with ";" or spaces between.
[[nodiscard]] std::optional<std::vector<Call>> calls_of_objects(std::string_view text);

// Mistral's, after the first "[TOOL_CALLS]": a list of objects, or, since version 11 of its tokenizer, `name[ARGS]{…}`.
[[nodiscard]] std::optional<std::vector<Call>> calls_of_mistral(std::string_view text);

}  // namespace kerf
