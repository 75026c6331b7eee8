#include "kerf/serve/openai/tools.h"

#include "kerf/serve/openai/response_format.h"

namespace kerf {

namespace {

constexpr size_t kMaxTools = 128;  // OpenAI's

ApiStatus check_tools(const Fields& body, const Json& tools) {
  constexpr std::string_view kExpected = "a list of {\"type\": \"function\", \"function\": {\"name\", \"parameters\"}}";
  if (!tools.is_array() || tools.size() > kMaxTools) return body.wrong("tools", kExpected);
  for (const Json& tool : tools) {
    const auto function = tool.is_object() ? tool.find("function") : tool.end();
    if (!tool.is_object() || function == tool.end() || !function->is_object()) return body.wrong("tools", kExpected);
    const auto name = function->find("name");
    if (name == function->end() || !name->is_string()) return body.wrong("tools", kExpected);
    const auto parameters = function->find("parameters");
    if (parameters != function->end() && !parameters->is_object()) return body.wrong("tools", kExpected);
  }
  return Ok{};
}

ApiResult<ToolChoice> parse_choice(const Fields& body, bool has_tools) {
  const Json* field = body.find("tool_choice");
  if (field == nullptr) return ToolChoice{has_tools ? ToolChoice::Kind::kAuto : ToolChoice::Kind::kNone, ""};
  constexpr std::string_view kExpected =
      "'none', 'auto', 'required' or {\"type\": \"function\", \"function\": {\"name\": …}}";
  if (*field == "none") return ToolChoice{};
  if (!has_tools) return refuse("tool_choice", "'tool_choice' needs 'tools'.");
  if (*field == "auto") return ToolChoice{ToolChoice::Kind::kAuto, ""};
  if (*field == "required") return ToolChoice{ToolChoice::Kind::kRequired, ""};
  if (!field->is_object() || !field->contains("function")) return body.wrong("tool_choice", kExpected);
  const Json& function = (*field)["function"];
  if (!function.is_object() || !function.contains("name") || !function["name"].is_string()) {
    return body.wrong("tool_choice", kExpected);
  }
  return ToolChoice{ToolChoice::Kind::kFunction, function["name"].get<std::string>()};
}

Json parameters_of(const Json& tool) {
  const Json& function = tool["function"];
  return function.contains("parameters") ? function["parameters"] : Json{{"type", "object"}};
}

// A "$ref" counts from the root, to where a schema's definitions go when it becomes a part of another.
void hoist_definitions(Json& schema, Json& root) {
  for (const char* name : {"$defs", "definitions"}) {
    const auto definitions = schema.find(name);
    if (definitions == schema.end()) continue;
    root[name].update(*definitions);
    schema.erase(name);
  }
}

// [{"name": one of the tools, "parameters": as it wants them}, …], as vLLM has it.
std::string required_grammar(const Json& tools, bool parallel) {
  Json root = {{"type", "array"}, {"minItems", 1}};
  if (!parallel) root["maxItems"] = 1;
  Json calls = Json::array();
  for (const Json& tool : tools) {
    Json parameters = parameters_of(tool);
    hoist_definitions(parameters, root);
    calls.push_back({{"type", "object"},
                     {"properties", {{"name", {{"const", tool["function"]["name"]}}}, {"parameters", parameters}}},
                     {"required", {"name", "parameters"}},
                     {"additionalProperties", false}});
  }
  root["items"] = {{"anyOf", calls}};
  return schema_grammar(root);
}

}  // namespace

ApiResult<Tools> parse_tools(const Fields& body) {
  Tools tools;
  const Json* list = body.find("tools");
  if (list != nullptr) KERF_TRY_STATUS(check_tools(body, *list));
  KERF_TRY(tools.choice, parse_choice(body, list != nullptr && !list->empty()));
  KERF_TRY(const bool parallel, body.boolean("parallel_tool_calls", true));
  if (tools.choice.kind == ToolChoice::Kind::kNone) return tools;
  tools.list = *list;
  if (tools.choice.kind == ToolChoice::Kind::kRequired) tools.grammar = required_grammar(*list, parallel);
  if (tools.choice.kind != ToolChoice::Kind::kFunction) return tools;
  for (const Json& tool : *list) {
    if (tool["function"]["name"] == tools.choice.function) tools.grammar = schema_grammar(parameters_of(tool));
  }
  if (tools.grammar.empty()) return body.wrong("tool_choice", "the name of one of 'tools'");
  return tools;
}

}  // namespace kerf
