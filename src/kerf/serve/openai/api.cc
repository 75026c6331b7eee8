#include "kerf/serve/openai/api.h"

#include <functional>

#include "kerf/serve/http/api_keys.h"
#include "kerf/serve/openai/answer.h"
#include "kerf/serve/openai/json_route.h"

namespace kerf {

namespace {

// Whose share of the replicas a request uses: a user's, else a key's.
uint64_t tenant_of(const GenerationOptions& options, const HttpHead& head) {
  if (!options.user.empty()) return std::hash<std::string>()(options.user);
  const std::string_view key = bearer_key(head.header("Authorization"));
  return key.empty() ? 0 : std::hash<std::string_view>()(key);
}

}  // namespace

void OpenAiApi::add_routes(Router& router) {
  add_generation_routes(router);
  add_tokenizer_routes(router);
  add_status_routes(router);
}

void OpenAiApi::add_generation_routes(Router& router) {
  using Prepared = std::unique_ptr<PreparedRequest>;
  const auto add = [&](std::string path, auto prepare) {
    add_json_route<Prepared>(
        router, std::move(path), background_,
        [model = model_, prepare](std::string_view body) { return prepare(body, model); },
        [this](const std::shared_ptr<HttpExchange>& exchange, Prepared request) {
          const uint64_t tenant = tenant_of(request->options, exchange->request().head);
          Answer::start(generator_, exchange, std::move(request), tenant);
        });
  };
  add("/v1/completions", prepare_completion);
  add("/v1/chat/completions", prepare_chat);
}

}  // namespace kerf
