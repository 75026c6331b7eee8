// /tokenize and /detokenize, in vLLM's shapes.
#include "kerf/serve/openai/api.h"
#include "kerf/serve/openai/chat_request.h"
#include "kerf/serve/openai/json_route.h"
#include "kerf/serve/openai/json_text.h"
#include "kerf/serve/openai/logprobs_json.h"
#include "kerf/serve/openai/prepared_request.h"
#include "kerf/serve/openai/tools.h"

namespace kerf {

namespace {

ApiResult<std::vector<int32_t>> ids_of_body(const Fields& body, const ServedModel& model) {
  const bool chat = body.has("messages");
  KERF_TRY(const bool add_special_tokens, body.boolean("add_special_tokens", !chat));
  if (chat) {
    KERF_TRY(const Tools tools, parse_tools(body));
    KERF_TRY(const std::string text, render_chat(body, tools.list, model));
    return encode_prompt(text, add_special_tokens, model);
  }
  if (!body.has("prompt")) return body.wrong("prompt", "a string, or 'messages'");
  KERF_TRY(const std::string prompt, body.string("prompt", ""));
  return encode_prompt(prompt, add_special_tokens, model);
}

ApiResult<std::string> tokenize(std::string_view text, const ServedModel& model) {
  KERF_TRY(const Json json, parse_body(text));
  const Fields body(json);
  KERF_TRY_STATUS(check_model(body, model));
  KERF_TRY(const std::vector<int32_t> ids, ids_of_body(body, model));
  KERF_TRY(const bool wants_texts, body.boolean("return_token_strs", false));
  Json texts;
  if (wants_texts) texts = Json::array();
  for (const int32_t id : ids) {
    if (wants_texts) texts.push_back(token_name(*model.tokenizer, id, false));
  }
  return Json{{"count", ids.size()}, {"max_model_len", model.max_model_len}, {"tokens", ids}, {"token_strs", texts}}
      .dump();
}

ApiResult<std::string> detokenize(std::string_view text, const ServedModel& model) {
  KERF_TRY(const Json json, parse_body(text));
  const Fields body(json);
  KERF_TRY_STATUS(check_model(body, model));
  if (!body.has("tokens")) return body.wrong("tokens", "a list of token ids");
  KERF_TRY(const std::vector<int32_t> ids, body.token_ids("tokens", model.vocab_size));
  return "{\"prompt\":" + json_string(model.tokenizer->decode(ids, false)) + "}";
}

}  // namespace

void OpenAiApi::add_tokenizer_routes(Router& router) {
  const auto add = [&](std::string path, auto work) {
    add_json_route<std::string>(
        router, std::move(path), background_,
        [model = model_, work](std::string_view body) { return work(body, *model); },
        [](const std::shared_ptr<HttpExchange>& exchange, std::string body) {
          exchange->respond({.body = std::move(body)});
        });
  };
  add("/tokenize", tokenize);
  add("/detokenize", detokenize);
}

}  // namespace kerf
