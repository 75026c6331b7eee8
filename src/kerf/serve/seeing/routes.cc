#include "kerf/serve/seeing/routes.h"

#include "kerf/serve/seeing/page.h"

namespace kerf {

void add_seeing_routes(Router& router, Observer& observer) {
  using Exchange = std::shared_ptr<HttpExchange>;
  const HttpHeaders headers = status_page_headers();
  router.add("GET", "/", Access::kOpen, [headers](const Exchange& exchange) {
    exchange->respond(
        {.content_type = "text/html; charset=utf-8", .body = std::string(kStatusPageHtml), .headers = headers});
  });
  router.add("GET", "/status.json", Access::kOpen, [headers, &observer](const Exchange& exchange) {
    exchange->respond({.body = observer.status_json(monotonic_s()), .headers = headers});
  });
  router.add("GET", "/metrics", Access::kOpen, [&observer](const Exchange& exchange) {
    exchange->respond({.content_type = std::string(kMetricsContentType), .body = observer.metrics_text()});
  });
}

}  // namespace kerf
