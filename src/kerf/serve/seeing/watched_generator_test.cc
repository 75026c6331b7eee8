// What the observer learns of requests as they go by.
#include "kerf/serve/seeing/watched_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "kerf/serve/fake_generator_for_test.h"
#include "tests/support/exposition.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

constexpr int32_t kEnd = 0;

class WatchedGeneratorTest : public ::testing::Test {
 protected:
  // Submits a request as the dispatcher would tell of it.
  RequestId submit(int64_t max_tokens) {
    const Generator::Submitted submitted =
        watched_.submit({.prompt_ids = {1, 2, 3}, .params = {.max_tokens = max_tokens}},
                        [this](GenerationEvent event) { events_.push_back(std::move(event)); });
    EXPECT_FALSE(submitted.refusal.has_value());
    observer_->on_queued(submitted.id, {.name = "cmpl-1", .prompt_tokens = 3}, monotonic_s());
    observer_->on_scheduled(submitted.id, 0, monotonic_s());
    return submitted.id;
  }
  std::optional<double> generated() {
    return testing::Exposition(observer_->metrics_text()).value("vllm:generation_tokens_total", {{"engine", "0"}});
  }
  // The line of the log that its end left. Ends the observer: lines are written by a thread of its own.
  std::string last_line() {
    observer_.reset();
    return log_.str();
  }

  testing::FakeGenerator generator_{[](const Request&) { return std::vector<int32_t>{5, 6, 7, kEnd}; }, kEnd};
  std::ostringstream log_;
  std::optional<Observer> observer_{
      ObserverConfig{.metrics = {.replicas = 1}, .log_sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)}};
  WatchedGenerator watched_{generator_, *observer_};
  std::vector<GenerationEvent> events_;
};

TEST_F(WatchedGeneratorTest, EveryTokenIsSeenAndGoesOn) {
  generator_.cached_tokens = 2;
  submit(3);
  generator_.step();
  EXPECT_EQ(generated(), 1);
  generator_.run();
  EXPECT_EQ(generated(), 3);
  ASSERT_EQ(events_.size(), 3U);
  EXPECT_EQ(events_[2].tokens[0].token, 7);
  EXPECT_EQ(events_[2].finish, FinishReason::kLength);
  EXPECT_THAT(last_line(), HasSubstr("status=200 finish=length prompt_tokens=3 cached_tokens=2 output_tokens=3"));
}

TEST_F(WatchedGeneratorTest, ARefusalsStatusIsTheClients) {
  submit(3);
  generator_.step();
  generator_.fail({.kind = Refusal::Kind::kUnavailable, .message = "the server is shutting down"});
  ASSERT_EQ(events_.size(), 2U);
  EXPECT_TRUE(events_[1].refusal.has_value());
  EXPECT_THAT(last_line(), HasSubstr("status=503 finish=error prompt_tokens=3 cached_tokens=0 output_tokens=1"));
}

TEST_F(WatchedGeneratorTest, WhoIsRefusedAtOnceIsNotFollowed) {
  generator_.refusal = Refusal{.kind = Refusal::Kind::kOverloaded, .message = "too many"};
  const Generator::Submitted submitted = watched_.submit({}, [](const GenerationEvent&) {});
  ASSERT_TRUE(submitted.refusal.has_value());
  EXPECT_EQ(submitted.refusal->message, "too many");
  EXPECT_EQ(last_line(), "");
}

TEST_F(WatchedGeneratorTest, AStopStringIsAnAnswer) {
  const RequestId id = submit(3);
  generator_.step();
  watched_.cancel(id, FinishReason::kStop);
  EXPECT_EQ(generator_.cancelled, std::vector<RequestId>{id});
  EXPECT_THAT(last_line(), HasSubstr("status=200 finish=stop"));
}

TEST_F(WatchedGeneratorTest, AClientThatLeavesIsOne) {
  const RequestId id = submit(3);
  watched_.cancel(id, FinishReason::kAbort);
  EXPECT_EQ(generator_.cancelled, std::vector<RequestId>{id});
  EXPECT_THAT(last_line(), HasSubstr("status=499 finish=abort"));
}

}  // namespace
}  // namespace kerf
