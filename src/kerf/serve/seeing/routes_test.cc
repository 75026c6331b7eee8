#include "kerf/serve/seeing/routes.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "kerf/serve/openai/test_support.h"
#include "tests/support/exposition.h"

namespace kerf {
namespace {

struct Served {
  Served() { add_seeing_routes(router, observer); }

  HttpResponse get(const std::string& path) {
    auto exchange =
        std::make_shared<testing::RecordingExchange>(HttpRequest{.head = {.method = "GET", .path = path}, .body = ""});
    EXPECT_FALSE(router.refusal(exchange->request().head)) << "needs a key: " << path;
    router.handle(exchange);
    return exchange->response.value_or(HttpResponse{.status = 0});
  }

  ApiKeys keys{{"secret"}};
  Router router{keys};
  Observer observer{{.metrics = {.model_name = "tales", .max_model_len = 10},
                     .facts = {.model = "tales"},
                     .log_sink = std::make_shared<spdlog::sinks::null_sink_mt>()}};
};

std::string header(const HttpResponse& response, std::string_view name) {
  const auto found = std::find_if(response.headers.begin(), response.headers.end(),
                                  [&](const auto& one) { return one.first == name; });
  return found == response.headers.end() ? "" : found->second;
}

TEST(SeeingRoutes, ThePageRunsOnlyWhatItWasBuiltWith) {
  const HttpResponse page = Served().get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page.body.starts_with("<!doctype html>"));
  EXPECT_EQ(page.body.find("http://", page.body.find("<body>")), page.body.find("http://www.w3.org/2000/svg"));
  EXPECT_EQ(page.body.find("https://"), std::string::npos);
  EXPECT_LT(page.body.size(), 32U << 10);
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'sha256-")) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
}

TEST(SeeingRoutes, StatusAndMetricsAreWhatTheyShouldBe) {
  Served served;
  const HttpResponse status = served.get("/status.json");
  EXPECT_EQ(status.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(status.body)["model"], "tales");
  EXPECT_EQ(header(status, "Cache-Control"), "no-store");
  const HttpResponse metrics = served.get("/metrics");
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(testing::Exposition(metrics.body).error, "");
}

}  // namespace
}  // namespace kerf
