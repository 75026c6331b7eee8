// /v1/completions: from the body to prompts.
#include <algorithm>

#include "kerf/serve/openai/prepared_request.h"
#include "kerf/serve/openai/response_format.h"

namespace kerf {

namespace {

constexpr size_t kMaxPrompts = 1024;
constexpr std::string_view kPromptShapes =
    "a string, a list of strings, a list of token ids, or a list of lists of token ids";

ApiStatus read_options(const Fields& body, GenerationOptions& options) {
  KERF_TRY(const int64_t best_of, body.integer("best_of", options.n, 1, kMaxChoices));
  options.best_of = static_cast<int>(best_of);
  if (options.best_of < options.n) {
    return refuse("best_of", "'best_of' is {}, less than 'n', which is {}.", options.best_of, options.n);
  }
  if (options.best_of > options.n && options.stream) {
    return refuse("best_of", "'best_of' above 'n' cannot be streamed: which answers are best is known at the end.");
  }
  options.reports_logprobs = body.has("logprobs");
  KERF_TRY(const int64_t logprobs, body.integer("logprobs", -1, 0, kMaxLogprobs));
  options.params.logprobs = static_cast<int>(std::max<int64_t>(logprobs, options.best_of > options.n ? 0 : -1));
  KERF_TRY(const int64_t max_tokens, body.integer("max_tokens", 16, 0, INT64_MAX));
  options.max_tokens = max_tokens;
  return Ok{};
}

// As the client gave it.
struct Source {
  std::vector<int32_t> ids;
  std::string text;
};

ApiResult<Source> read_prompt(const Fields& body, const Json& prompt, bool add_special_tokens, bool echo,
                              const ServedModel& model) {
  Source source;
  if (prompt.is_string()) {
    source.text = prompt.get<std::string>();
    KERF_TRY(source.ids, encode_prompt(source.text, add_special_tokens, model));
    return source;
  }
  std::optional<std::vector<int32_t>> ids = prompt.is_array() ? ids_of(prompt, model.vocab_size) : std::nullopt;
  if (!ids) {
    return body.wrong("prompt", fmt::format("{}; ids from 0 to {}", kPromptShapes, model.vocab_size - 1));
  }
  source.ids = *std::move(ids);
  if (echo) source.text = model.tokenizer->decode(source.ids, true);
  return source;
}

ApiStatus read_prompts(const Fields& body, PreparedRequest& request) {
  KERF_TRY(const bool echo, body.boolean("echo", false));
  KERF_TRY(const bool add_special_tokens, body.boolean("add_special_tokens", true));
  if (echo && request.options.reports_logprobs) {
    return refuse("echo", "'echo' with 'logprobs' needs the prompt's log-probabilities, which are not served.");
  }
  if (*request.options.max_tokens == 0 && !echo) {
    return refuse("max_tokens", "'max_tokens' is 0; expected at least 1, except with 'echo'.");
  }
  const Json* prompt = body.find("prompt");
  if (prompt == nullptr) return body.wrong("prompt", kPromptShapes);
  const bool several =
      prompt->is_array() && !prompt->empty() && (prompt->front().is_string() || prompt->front().is_array());
  const size_t count = several ? prompt->size() : 1;
  if (count > kMaxPrompts) return body.wrong("prompt", fmt::format("at most {} prompts", kMaxPrompts));
  for (size_t i = 0; i < count; ++i) {
    KERF_TRY(Source source,
             read_prompt(body, several ? (*prompt)[i] : *prompt, add_special_tokens, echo, *request.model));
    KERF_TRY(Prompt made, make_prompt(std::move(source.ids), request.options, *request.model));
    if (echo) made.echo = std::move(source.text);
    request.prompts.push_back(std::move(made));
  }
  return Ok{};
}

}  // namespace

Preparation prepare_completion(std::string_view body, std::shared_ptr<const ServedModel> model) {
  KERF_TRY(const Json json, parse_body(body));
  const Fields fields(json);
  KERF_TRY(std::unique_ptr<PreparedRequest> request, begin_request(fields, std::move(model)));
  KERF_TRY_STATUS(read_options(fields, request->options));
  KERF_TRY_STATUS(check_grammar(request->options.params.grammar, "response_format"));
  KERF_TRY(const std::string suffix, fields.string("suffix", ""));
  if (!suffix.empty()) return refuse("suffix", "'suffix' is not supported: the model continues, it does not fill in.");
  KERF_TRY_STATUS(read_prompts(fields, *request));
  request->format = make_completion_format(*request->model, request->options);
  return request;
}

}  // namespace kerf
