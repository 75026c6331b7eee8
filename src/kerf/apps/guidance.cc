#include "kerf/apps/guidance.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "kerf/io/grammar/grammar.h"
#include "kerf/io/mapped_file.h"

namespace kerf {
namespace {

Result<std::pair<int32_t, float>> parse_bias(const std::string& text) {
  int32_t id = 0;
  const char* end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data(), end, id);
  char* rest = nullptr;
  const float bias = colon != end ? std::strtof(colon + 1, &rest) : 0;
  if (error != std::errc() || colon == end || *colon != ':' || colon + 1 == end || rest != end) {
    return fail("--logit-bias: '{}' is no token id and bias such as 1234:-5", text);
  }
  return std::pair(id, bias);
}

Result<std::string> grammar_of(const GuidanceOptions& options) {
  if (options.json_object) return std::string("json");
  if (options.json_schema.empty()) return std::string();
  if (options.json_schema.starts_with('{')) return "schema:" + options.json_schema;
  KERF_TRY(const MappedFile file, MappedFile::open(options.json_schema));
  return fmt::format("schema:{}", file.text());
}

}  // namespace

void add_guidance_options(CLI::App& command, GuidanceOptions& options) {
  auto* object = command.add_flag("--json-object", options.json_object, "the output is one JSON object");
  command
      .add_option("--json-schema", options.json_schema,
                  "the output is JSON that is valid under this JSON Schema: a file, or the schema itself ({...})")
      ->excludes(object);
  command
      .add_option("--logit-bias", options.logit_bias,
                  "token id and what is added to its logit, as in 1234:-5; may be given several times")
      ->take_all()
      ->allow_extra_args(false);
}

Status apply_guidance(const GuidanceOptions& options, SamplingParams& params) {
  params.logit_bias.clear();
  for (const std::string& text : options.logit_bias) {
    KERF_TRY(params.logit_bias.emplace_back(), parse_bias(text));
  }
  std::sort(params.logit_bias.begin(), params.logit_bias.end());
  KERF_TRY(params.grammar, grammar_of(options));
  if (params.grammar.empty()) return Ok{};
  const Result<Grammar> grammar = compile_grammar(params.grammar);
  if (!grammar.ok()) return fail("--json-schema: {}", grammar.error().message);
  return Ok{};
}

}  // namespace kerf
