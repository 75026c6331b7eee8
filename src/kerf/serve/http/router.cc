#include "kerf/serve/http/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "kerf/io/json.h"
#include "kerf/serve/http/error_response.h"

namespace kerf {

namespace {

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

bool is_preflight(const HttpHead& head) {
  return head.method == "OPTIONS" && !head.header("Access-Control-Request-Method").empty();
}

}  // namespace

void Router::add(std::string method, std::string path, Access access, Handler handler) {
  routes_.push_back({std::move(method), std::move(path), access, std::move(handler)});
}

const Router::Route* Router::find(std::string_view method, std::string_view path) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const auto found = std::find_if(routes_.rbegin(), routes_.rend(), [&](const Route& route) {
    return route.method == wanted && matches(route.path, path);
  });
  return found == routes_.rend() ? nullptr : &*found;
}

std::string Router::methods_of(std::string_view path) const {
  std::string methods;
  for (const Route& route : routes_) {
    if (!matches(route.path, path) || methods.find(route.method) != std::string::npos) continue;
    methods += methods.empty() ? route.method : ", " + route.method;
  }
  return methods;
}

bool Router::allows(std::string_view origin) const {
  return !origin.empty() && std::ranges::any_of(allowed_origins_, [origin](const std::string& allowed) {
    return allowed == "*" || allowed == origin;
  });
}

std::optional<HttpResponse> Router::refusal(const HttpHead& head) const {
  const std::string methods = methods_of(head.path);
  if (methods.empty()) {
    return error_response(
        {.status = 404, .message = fmt::format("There is no {} {} here.", shown(head.method), shown(head.path))});
  }
  if (is_preflight(head) && allows(head.header("Origin"))) {
    return HttpResponse{.status = 204,
                        .content_type = "",
                        .headers = {{"Access-Control-Allow-Methods", methods},
                                    {"Access-Control-Allow-Headers", "Authorization, *"},
                                    {"Access-Control-Max-Age", "600"}}};
  }
  const Route* route = find(head.method, head.path);
  if (route == nullptr) {
    const std::string message = fmt::format("{} takes {}, not {}.", shown(head.path), methods, shown(head.method));
    HttpResponse response = error_response({.status = 405, .message = message});
    response.headers.emplace_back("Allow", methods);
    return response;
  }
  if (route->access == Access::kKey && !keys_.admit(head.header("Authorization"))) {
    HttpResponse response =
        error_response({.status = 401,
                        .message = "The API key is missing or wrong: send it as 'Authorization: Bearer KEY'.",
                        .code = "invalid_api_key"});
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  return std::nullopt;
}

void Router::handle(const std::shared_ptr<HttpExchange>& exchange) {
  const HttpHead& head = exchange->request().head;
  const Route* route = find(head.method, head.path);
  if (route != nullptr) route->handler(exchange);  // else it is answered by 500: refusal() was not asked
}

void Router::decorate(const HttpHead& head, HttpResponse& response) const {
  const std::string_view origin = head.header("Origin");
  if (!allows(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Vary", "Origin");
}

}  // namespace kerf
