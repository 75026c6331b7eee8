#include "kerf/serve/openai/chat_messages.h"

namespace kerf {

namespace {

// A list of parts → their texts, a line each, as vLLM joins them.
ApiResult<std::string> text_of_parts(const Json& parts, const std::string& path) {
  std::string text;
  for (const Json& part : parts) {
    const Json* piece = nullptr;
    if (part.is_string()) piece = &part;
    if (part.is_object() && part.contains("text")) piece = &part["text"];
    if (part.is_object() && part.contains("refusal")) piece = &part["refusal"];
    if (piece == nullptr || !piece->is_string()) {
      return refuse(path, "'{}' holds a part that is no text; this model reads text only.", path);
    }
    if (!text.empty()) text += '\n';
    text += piece->get_ref<const std::string&>();
  }
  return text;
}

ApiResult<std::string> text_of_content(const Fields& message, bool required) {
  const Json* content = message.find("content");
  if (content != nullptr && content->is_string()) return content->get<std::string>();
  if (content != nullptr && content->is_array()) return text_of_parts(*content, message.path_of("content"));
  if (content == nullptr && !required) return std::string();
  return message.wrong("content", "a string or a list of parts with 'type': 'text'");
}

// {"id", "type", "function": {"name", "arguments": a JSON text}}: templates print the arguments from an object.
ApiStatus read_calls(Json& calls, const std::string& path) {
  const ApiError wrong = refuse(path, "'{}' must be a list of {{\"function\": {{\"name\", \"arguments\"}}}}.", path);
  if (!calls.is_array()) return wrong;
  for (Json& call : calls) {
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object()) return wrong;
    Json& function = call["function"];
    if (!function.contains("name") || !function["name"].is_string()) return wrong;
    Json& arguments = function["arguments"];
    if (!arguments.is_string()) continue;
    if (std::optional<Json> parsed = parse_inner_json(arguments.get_ref<const std::string&>())) {
      arguments = *std::move(parsed);
    }
  }
  return Ok{};
}

}  // namespace

ApiResult<Json> parse_messages(const Fields& body) {
  const Json* given = body.find("messages");
  if (given == nullptr || !given->is_array() || given->empty()) {
    return body.wrong("messages", "a list of at least one message");
  }
  Json messages = *given;
  for (size_t i = 0; i < messages.size(); ++i) {
    Json& message = messages[i];
    const std::string path = fmt::format("messages[{}]", i);
    if (!message.is_object()) return refuse(path, "'{}' must be an object with 'role' and 'content'.", path);
    const Fields fields(message, path);
    KERF_TRY(const std::string role, fields.string("role", ""));
    if (role.empty()) return fields.wrong("role", "'system', 'user', 'assistant' or 'tool'");
    if (message.contains("tool_calls") && message["tool_calls"].is_null()) message.erase("tool_calls");
    KERF_TRY(std::string text, text_of_content(fields, role != "assistant"));
    message["content"] = std::move(text);
    if (message.contains("tool_calls")) KERF_TRY_STATUS(read_calls(message["tool_calls"], path + ".tool_calls"));
  }
  return messages;
}

}  // namespace kerf
