// Router: which handler answers which request, and who may ask.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/http/api_keys.h"
#include "kerf/serve/http/exchange.h"

namespace kerf {

enum class Access : uint8_t {
  kKey,   // whoever has an API key
  kOpen,  // anybody: a probe of health has no key
};

class Router : public HttpService {
 public:
  using Handler = std::function<void(const std::shared_ptr<HttpExchange>&)>;

  // keys: outlives the router. allowed_origins: what pages of these origins may read answers (CORS); "*" is every
  // origin.
  explicit Router(const ApiKeys& keys, std::vector<std::string> allowed_origins = {})
      : keys_(keys), allowed_origins_(std::move(allowed_origins)) {}

  // path: the whole one, or "/v1/models/*" for everything below. GET answers HEAD too. A route that is added later
  // goes before an equal one.
  void add(std::string method, std::string path, Access access, Handler handler);

  [[nodiscard]] std::optional<HttpResponse> refusal(const HttpHead& head) const override;
  void handle(const std::shared_ptr<HttpExchange>& exchange) override;
  void decorate(const HttpHead& head, HttpResponse& response) const override;

 private:
  struct Route {
    std::string method;
    std::string path;
    Access access;
    Handler handler;
  };
  [[nodiscard]] const Route* find(std::string_view method, std::string_view path) const;
  [[nodiscard]] std::string methods_of(std::string_view path) const;
  [[nodiscard]] bool allows(std::string_view origin) const;

  const ApiKeys& keys_;
  std::vector<std::string> allowed_origins_;
  std::vector<Route> routes_;
};

}  // namespace kerf
