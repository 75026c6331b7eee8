// OpenAiApi: the routes of OpenAI's API, and of vLLM's additions to it.
//
//   POST /v1/completions, /v1/chat/completions     GET /v1/models, /v1/models/{id}
//   POST /tokenize, /detokenize                    GET /health, /health/live, /live, /version
#pragma once

#include <functional>
#include <memory>

#include "kerf/serve/generator.h"
#include "kerf/serve/http/background.h"
#include "kerf/serve/http/router.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

// Threading: the event loop's thread.
class OpenAiApi {
 public:
  // background: where long requests are read. ready: whether a request would be computed now.
  OpenAiApi(Generator& generator, Background& background, std::shared_ptr<const ServedModel> model,
            std::function<bool()> ready)
      : generator_(generator), background_(background), model_(std::move(model)), ready_(std::move(ready)) {}
  OpenAiApi(const OpenAiApi&) = delete;
  OpenAiApi& operator=(const OpenAiApi&) = delete;

  // The routes refer to this object.
  void add_routes(Router& router);

 private:
  void add_generation_routes(Router& router);
  void add_tokenizer_routes(Router& router);
  void add_status_routes(Router& router);

  Generator& generator_;
  Background& background_;
  std::shared_ptr<const ServedModel> model_;
  std::function<bool()> ready_;
};

}  // namespace kerf
