#include "kerf/serve/openai/response_format.h"

#include "kerf/engine/request.h"
#include "kerf/io/grammar/grammar.h"

namespace kerf {

namespace {

ApiResult<std::string> grammar_of_schema(const Fields& fields, std::string_view name) {
  const Json* schema = fields.find(name);
  if (schema == nullptr || !(schema->is_object() || schema->is_boolean())) return fields.wrong(name, "a JSON Schema");
  return schema_grammar(*schema);
}

}  // namespace

std::string schema_grammar(const Json& schema) { return "schema:" + schema.dump(); }

ApiStatus check_grammar(const std::string& grammar, std::string_view param) {
  if (grammar.empty()) return Ok{};
  if (grammar.size() > kMaxGrammarBytes) {
    return refuse(std::string(param), "The JSON Schema has {} bytes; expected at most {}.", grammar.size(),
                  kMaxGrammarBytes);
  }
  const Result<Grammar> compiled = compile_grammar(grammar);
  if (!compiled.ok()) return refuse(std::string(param), "{}.", compiled.error().message);
  return Ok{};
}

ApiResult<std::string> parse_response_format(const Fields& body) {
  for (const char* other : {"guided_regex", "guided_choice", "guided_grammar", "structured_outputs"}) {
    if (body.has(other)) return refuse(other, "'{}' is not supported; send a JSON Schema in 'response_format'.", other);
  }
  KERF_TRY(const std::optional<Fields> format, body.object("response_format"));
  if (!format) {
    if (body.has("guided_json")) return grammar_of_schema(body, "guided_json");
    return std::string();
  }
  KERF_TRY(const std::string type, format->string("type", ""));
  if (type == "text") return std::string();
  if (type == "json_object") return std::string("json");
  if (type != "json_schema") return format->wrong("type", "'text', 'json_object' or 'json_schema'");
  KERF_TRY(const std::optional<Fields> schema, format->object("json_schema"));
  if (!schema) return format->wrong("json_schema", "an object with a 'schema'");
  return grammar_of_schema(*schema, "schema");
}

}  // namespace kerf
