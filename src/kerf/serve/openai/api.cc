#include "kerf/serve/openai/api.h"

#include <functional>

#include "kerf/serve/http/api_keys.h"
#include "kerf/serve/openai/answer.h"
#include "kerf/serve/openai/content_type.h"

namespace kerf {

namespace {

// Bytes of a body that are read, rendered and tokenised on the event loop: some milliseconds of work at most.
constexpr size_t kShortBody = size_t{16} << 10;

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
  const auto add = [&](std::string path, Prepare how) {
    router.add("POST", std::move(path), Access::kKey, [this, how](const std::shared_ptr<HttpExchange>& exchange) {
      if (auto refusal = refuse_unless_json(exchange->request().head)) return exchange->respond(*std::move(refusal));
      prepare(exchange, how);
    });
  };
  add("/v1/completions", prepare_completion);
  add("/v1/chat/completions", prepare_chat);
}

void OpenAiApi::prepare(const std::shared_ptr<HttpExchange>& exchange, Prepare how) {
  const std::string& body = exchange->request().body;
  if (body.size() <= kShortBody) return begin(exchange, how(body, model_));
  const auto prepared = std::make_shared<std::optional<Preparation>>();
  const auto gone = std::make_shared<bool>(false);
  exchange->on_gone([gone] { *gone = true; });
  background_.run(
      [exchange, prepared, how, model = model_] { prepared->emplace(how(exchange->request().body, model)); },
      [this, exchange, prepared, gone] {
        if (!*gone) begin(exchange, std::move(**prepared));
      });
}

void OpenAiApi::begin(const std::shared_ptr<HttpExchange>& exchange, Preparation prepared) {
  if (!prepared.ok()) return exchange->respond(error_response(prepared.error()));
  const uint64_t tenant = tenant_of((*prepared)->options, exchange->request().head);
  Answer::start(generator_, exchange, std::move(prepared).value(), tenant);
}

}  // namespace kerf
