#include "kerf/serve/openai/json_route.h"

#include <gtest/gtest.h>

#include <vector>

#include "kerf/serve/openai/test_support.h"

namespace kerf::testing {
namespace {

// Works when the test says so.
class HeldBackground : public Background {
 public:
  void run(std::function<void()> work, std::function<void()> then) override {
    tasks_.emplace_back(std::move(work), std::move(then));
  }
  void work() {
    for (const auto& [work, then] : std::exchange(tasks_, {})) {
      work();
      then();
    }
  }

 private:
  std::vector<std::pair<std::function<void()>, std::function<void()>>> tasks_;
};

// A route that answers with the length of its body; an empty one is refused.
struct JsonRoute : public ::testing::Test {
  JsonRoute() {
    add_json_route<size_t>(
        router, "/length", background,
        [this](std::string_view body) -> ApiResult<size_t> {
          ++reads;
          if (body.empty()) return refuse("", "The body is empty.");
          return body.size();
        },
        [](const std::shared_ptr<HttpExchange>& exchange, size_t length) {
          exchange->respond({.body = std::to_string(length)});
        });
  }

  std::shared_ptr<RecordingExchange> post(std::string body, std::string type = "application/json") {
    HttpRequest request{.head = {.method = "POST", .path = "/length"}, .body = std::move(body)};
    request.head.headers = {{"Content-Type", std::move(type)}};
    auto exchange = std::make_shared<RecordingExchange>(std::move(request));
    router.handle(exchange);
    return exchange;
  }

  HeldBackground background;
  ApiKeys keys;
  Router router{keys};
  int reads = 0;
};

TEST_F(JsonRoute, ReadsShortBodiesAtOnce) {
  EXPECT_EQ(post("abc")->response->body, "3");
  EXPECT_EQ(post("")->response->status, 400);
}

TEST_F(JsonRoute, ReadsLongBodiesInTheBackground) {
  const auto exchange = post(std::string(1'000'000, 'x'));
  EXPECT_EQ(reads, 0);
  background.work();
  EXPECT_EQ(exchange->response->body, "1000000");
}

TEST_F(JsonRoute, ReadsNothingForAClientThatHasLeft) {
  const auto exchange = post(std::string(1'000'000, 'x'));
  exchange->leave();
  background.work();
  EXPECT_EQ(reads, 0);
  EXPECT_FALSE(exchange->complete);
}

TEST_F(JsonRoute, TakesJsonOnly) {
  EXPECT_EQ(post("abc", "application/JSON; charset=utf-8")->response->status, 200);
  EXPECT_EQ(post("abc", "text/plain")->response->status, 415);
  EXPECT_EQ(post("abc", "")->response->status, 415);
  EXPECT_EQ(reads, 1);
}

}  // namespace
}  // namespace kerf::testing
