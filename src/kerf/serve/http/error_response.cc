#include "kerf/serve/http/error_response.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace kerf {

std::string_view error_type(int status) {
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

std::string error_body(const ApiError& error) {
  using json = nlohmann::ordered_json;
  const auto or_null = [](const std::string& text) { return text.empty() ? json(nullptr) : json(text); };
  const json body = {{"error",
                      {{"message", error.message},
                       {"type", error_type(error.status)},
                       {"param", or_null(error.param)},
                       {"code", or_null(error.code)}}}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

HttpResponse error_response(const ApiError& error) {
  HttpResponse response{.status = error.status, .body = error_body(error)};
  if (error.retry_after_s > 0) {
    const double seconds = std::min(std::ceil(error.retry_after_s), 3600.0);
    response.headers.emplace_back("Retry-After", std::to_string(static_cast<int>(seconds)));
  }
  return response;
}

}  // namespace kerf
