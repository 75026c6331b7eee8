// What is served, and whether it is well.
#include <algorithm>

#include "kerf/io/json.h"
#include "kerf/serve/openai/api.h"
#include "kerf/serve/openai/json_body.h"

namespace kerf {

namespace {

constexpr std::string_view kModelPath = "/v1/models/";

Json model_json(const std::string& name, const ServedModel& model) {
  return {{"id", name},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "kerf"},
          {"root", model.root},
          {"parent", nullptr},
          {"max_model_len", model.max_model_len}};
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

void OpenAiApi::add_status_routes(Router& router) {
  using Exchange = std::shared_ptr<HttpExchange>;
  router.add("GET", "/v1/models", Access::kKey, [this](const Exchange& exchange) {
    Json models = Json::array();
    for (const std::string& name : model_->names) models.push_back(model_json(name, *model_));
    exchange->respond({.body = dump({{"object", "list"}, {"data", models}})});
  });
  router.add("GET", std::string(kModelPath) + "*", Access::kKey, [this](const Exchange& exchange) {
    const std::string name = percent_decoded(exchange->request().head.path.substr(kModelPath.size()));
    if (std::ranges::find(model_->names, name) != model_->names.end()) {
      return exchange->respond({.body = dump(model_json(name, *model_))});
    }
    exchange->respond(error_response({.status = 404,
                                      .message = fmt::format("The model '{}' is not served here.", shown(name)),
                                      .param = "model",
                                      .code = "model_not_found"}));
  });
  router.add("GET", "/health", Access::kOpen, [this](const Exchange& exchange) {
    if (ready_()) return exchange->respond({.body = R"({"status":"ready"})"});
    exchange->respond(error_response(
        {.status = 503, .message = "No replica is ready.", .code = "service_unavailable", .retry_after_s = 1}));
  });
  for (const char* path : {"/health/live", "/live"}) {
    router.add("GET", path, Access::kOpen,
               [](const Exchange& exchange) { exchange->respond({.body = R"({"status":"live"})"}); });
  }
  router.add("GET", "/version", Access::kOpen,
             [](const Exchange& exchange) { exchange->respond({.body = R"({"version":")" KERF_VERSION R"("})"}); });
}

}  // namespace kerf
