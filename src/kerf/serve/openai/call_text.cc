#include "kerf/serve/openai/call_text.h"

#include "kerf/serve/openai/json_body.h"

namespace kerf {

namespace {

// The length of the JSON object or list that the text begins with; 0 when it does not end.
size_t json_length(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
      continue;
    }
    quoted = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth == 0) return c == '}' || c == ']' ? i + 1 : 0;
  }
  return 0;
}

std::optional<Call> call_of(const Json& json) {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return std::nullopt;
  const auto named = json.find("arguments");
  const auto arguments = named != json.end() ? named : json.find("parameters");
  if (arguments == json.end()) return std::nullopt;
  return Call{json["name"].get<std::string>(),
              arguments->is_string() ? arguments->get<std::string>() : arguments->dump()};
}

}  // namespace

bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<Call> call_of(std::string_view text) {
  const std::optional<Json> json = parse_inner_json(text);
  return json ? call_of(*json) : std::nullopt;
}

std::optional<std::vector<Call>> calls_of_list(std::string_view text) {
  const std::optional<Json> json = parse_inner_json(text);
  if (!json || !json->is_array() || json->empty()) return std::nullopt;
  std::vector<Call> calls;
  for (const Json& item : *json) {
    std::optional<Call> call = call_of(item);
    if (!call) return std::nullopt;
    calls.push_back(*std::move(call));
  }
  return calls;
}

std::optional<std::vector<Call>> calls_of_objects(std::string_view text) {
  std::vector<Call> calls;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const size_t length = json_length(text);
    std::optional<Call> call = length > 0 ? call_of(text.substr(0, length)) : std::nullopt;
    if (!call) return std::nullopt;
    calls.push_back(*std::move(call));
    text = trimmed(text.substr(length));
    if (text.starts_with(';')) text.remove_prefix(1);
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

std::optional<std::vector<Call>> calls_of_mistral(std::string_view text) {
  constexpr std::string_view kMark = "[TOOL_CALLS]";
  constexpr std::string_view kArguments = "[ARGS]";
  if (auto calls = calls_of_list(trimmed(text))) return calls;
  std::vector<Call> calls;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    if (text.starts_with(kMark)) text = trimmed(text.substr(kMark.size()));
    const size_t brace = text.find('{');
    if (brace == std::string_view::npos) return std::nullopt;
    std::string_view name = trimmed(text.substr(0, brace));
    if (name.ends_with(kArguments)) name = trimmed(name.substr(0, name.size() - kArguments.size()));
    const size_t length = json_length(text.substr(brace));
    const std::string_view arguments = text.substr(brace, length);
    if (name.empty() || length == 0 || !parse_inner_json(arguments)) return std::nullopt;
    calls.push_back({std::string(name), std::string(arguments)});
    text = text.substr(brace + length);
  }
  if (calls.empty()) return std::nullopt;
  return calls;
}

}  // namespace kerf
