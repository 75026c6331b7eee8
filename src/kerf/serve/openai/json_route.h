// Routes whose requests are JSON.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kerf/serve/http/background.h"
#include "kerf/serve/http/router.h"
#include "kerf/serve/openai/api_result.h"

namespace kerf {

// 415 unless the body is called application/json: vLLM's rule, and a guard, because a page of another origin cannot
// send this type unasked.
[[nodiscard]] std::optional<HttpResponse> refuse_unless_json(const HttpHead& head);

// Calls `read`, then `then`. A long body is read in the background, so that no stream waits for it; if its client
// leaves meanwhile, what has not been called is not.
void read_body(const std::shared_ptr<HttpExchange>& exchange, Background& background, std::function<void()> read,
               std::function<void()> then);

// POST `path`: `read` makes a T of the body, on any thread, or refuses it; `answer` takes the T, on the event loop's.
template <typename T>
void add_json_route(Router& router, std::string path, Background& background,
                    std::function<ApiResult<T>(std::string_view body)> read,
                    std::function<void(const std::shared_ptr<HttpExchange>&, T)> answer) {
  const auto handle = [&background, read = std::move(read),
                       answer = std::move(answer)](const std::shared_ptr<HttpExchange>& exchange) {
    if (auto refusal = refuse_unless_json(exchange->request().head)) return exchange->respond(*std::move(refusal));
    const auto result = std::make_shared<std::optional<ApiResult<T>>>();
    read_body(
        exchange, background, [exchange, result, read] { result->emplace(read(exchange->request().body)); },
        [exchange, result, answer] {
          if (!(*result)->ok()) return exchange->respond(error_response((*result)->error()));
          answer(exchange, std::move(**result).value());
        });
  };
  router.add("POST", std::move(path), Access::kKey, handle);
}

}  // namespace kerf
