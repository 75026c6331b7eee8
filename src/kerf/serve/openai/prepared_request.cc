#include "kerf/serve/openai/prepared_request.h"

namespace kerf {

Preparation begin_request(const Fields& body, std::shared_ptr<const ServedModel> model) {
  auto request = std::make_unique<PreparedRequest>();
  request->model = std::move(model);
  KERF_TRY_STATUS(check_model(body, *request->model));
  KERF_TRY(request->options, parse_generation_options(body, *request->model));
  return request;
}

ApiResult<Prompt> make_prompt(std::vector<int32_t> ids, const GenerationOptions& options, const ServedModel& model) {
  if (ids.empty()) return refuse("prompt", "The prompt is empty; the model needs one token to continue.");
  Prompt prompt{.ids = std::move(ids), .detokenizer = Detokenizer(*model.tokenizer, options.skip_special_tokens)};
  const auto length = static_cast<int64_t>(prompt.ids.size());
  KERF_TRY(prompt.max_tokens, tokens_allowed(length, options.max_tokens, model));
  for (const int32_t id : prompt.ids) prompt.detokenizer.push(id);  // so that the answer is spaced rightly
  return prompt;
}

ApiResult<std::vector<int32_t>> encode_prompt(std::string_view text, bool add_special_tokens,
                                              const ServedModel& model) {
  const auto fits = static_cast<size_t>(model.max_model_len * model.longest_token_bytes);
  if (text.size() > fits) {
    ApiError error = refuse("prompt", "The prompt has {} bytes, more than the model's context of {} tokens can hold.",
                            text.size(), model.max_model_len);
    error.code = "context_length_exceeded";
    return error;
  }
  return model.tokenizer->encode(text, {.add_special_tokens = add_special_tokens});
}

}  // namespace kerf
