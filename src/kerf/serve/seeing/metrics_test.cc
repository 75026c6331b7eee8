#include "kerf/serve/seeing/metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/exposition.h"

namespace kerf {
namespace {

using testing::Exposition;

MetricsConfig config_of(std::string model = "tales", int replicas = 1) {
  return {.model_name = std::move(model), .max_model_len = 100, .replicas = replicas};
}

RequestLife answered(int64_t tokens) {
  return {.facts = {.name = "cmpl-1", .prompt_tokens = 30, .max_tokens = 64, .n = 1},
          .queued_s = 100,
          .scheduled_s = 100.5,
          .first_token_s = 101,
          .last_token_s = 103,
          .finished_s = 103.25,
          .cached_tokens = 16,
          .output_tokens = tokens,
          .finish = FinishReason::kLength,
          .status = 200};
}

TEST(Metrics, EverySeriesIsThereAndWellFormedBeforeTheFirstRequest) {
  const Exposition shown(Metrics(config_of("tales", 3)).text());
  EXPECT_EQ(shown.error, "");
  for (const char* name : {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
                           "vllm:generation_tokens_total", "kerf:comm_fraction", "kerf:replica_up"}) {
    for (const char* engine : {"0", "1", "2"}) {
      EXPECT_EQ(shown.value(name, {{"model_name", "tales"}, {"engine", engine}}), 0) << name << engine;
    }
  }
  EXPECT_EQ(shown.value("vllm:request_success_total", {{"engine", "2"}, {"finished_reason", "abort"}}), 0);
  EXPECT_EQ(shown.value("kerf:comm_seconds_total", {{"engine", "2"}, {"op", "all_reduce"}}), 0);
}

TEST(Metrics, AnyModelNameIsEscaped) {
  const std::string name = "a\"b\\c\nd{},e=\"f\"";
  const Exposition shown(Metrics(config_of(name)).text());
  EXPECT_EQ(shown.error, "");
  EXPECT_EQ(shown.value("kerf:queue_depth", {{"model_name", name}}), 0);
}

TEST(Metrics, AReplicasCacheIsShownOnceItIsKnown) {
  Metrics metrics(config_of());
  EXPECT_EQ(Exposition(metrics.text()).value("vllm:cache_config_info", {{"engine", "0"}}), std::nullopt);
  metrics.on_cache(0, 64, 2048);
  const Exposition shown(metrics.text());
  EXPECT_EQ(shown.error, "");
  EXPECT_EQ(shown.value("vllm:cache_config_info", {{"engine", "0"}, {"block_size", "64"}, {"num_gpu_blocks", "2048"}}),
            1);
}

TEST(Metrics, ARequestsLifeIsCountedOnItsReplica) {
  Metrics metrics(config_of("tales", 2));
  RequestLife life = answered(1);
  life.replica = 1;
  metrics.on_first_token(life);
  metrics.on_tokens(1, 4, 2.0);
  life.output_tokens = 5;
  metrics.on_finished(life);
  const Exposition shown(metrics.text());
  ASSERT_EQ(shown.error, "");
  const Exposition::Labels here = {{"engine", "1"}};
  EXPECT_EQ(shown.value("vllm:prompt_tokens_total", here), 30);
  EXPECT_EQ(shown.value("vllm:prompt_tokens_cached_total", here), 16);
  EXPECT_EQ(shown.value("vllm:generation_tokens_total", here), 5);
  EXPECT_EQ(shown.value("vllm:time_to_first_token_seconds_sum", here), 1);
  EXPECT_EQ(shown.value("vllm:inter_token_latency_seconds_sum", here), 2);
  EXPECT_EQ(shown.value("vllm:inter_token_latency_seconds_count", here), 4);
  EXPECT_EQ(shown.value("vllm:request_time_per_output_token_seconds_sum", here), 0.5);
  EXPECT_EQ(shown.value("vllm:e2e_request_latency_seconds_sum", here), 3.25);
  EXPECT_EQ(shown.value("vllm:request_queue_time_seconds_sum", here), 0.5);
  EXPECT_EQ(shown.value("vllm:request_prefill_time_seconds_sum", here), 0.5);
  EXPECT_EQ(shown.value("vllm:request_decode_time_seconds_sum", here), 2);
  EXPECT_EQ(shown.value("vllm:request_success_total", {{"engine", "1"}, {"finished_reason", "length"}}), 1);
  EXPECT_EQ(shown.value("vllm:request_success_total", {{"engine", "0"}, {"finished_reason", "length"}}), 0);
}

TEST(Metrics, ABoundBelongsToItsBucket) {
  Metrics metrics(config_of());
  RequestLife life = answered(1);
  life.first_token_s = life.queued_s + 0.25;
  metrics.on_first_token(life);
  const Exposition shown(metrics.text());
  EXPECT_EQ(shown.value("vllm:time_to_first_token_seconds_bucket", {{"le", "0.25"}}), 1);
  EXPECT_EQ(shown.value("vllm:time_to_first_token_seconds_bucket", {{"le", "0.1"}}), 0);
}

TEST(Metrics, ARequestThatEndedInTheQueueHasOnlyWaited) {
  Metrics metrics(config_of());
  metrics.on_finished({.queued_s = 5, .finished_s = 7, .finish = FinishReason::kAbort});
  const Exposition shown(metrics.text());
  EXPECT_EQ(shown.value("vllm:request_queue_time_seconds_sum"), 2);
  EXPECT_EQ(shown.value("vllm:request_prefill_time_seconds_count"), 0);
  EXPECT_EQ(shown.value("vllm:request_success_total", {{"finished_reason", "abort"}}), 1);
}

TEST(Metrics, CountersGoOnWhenAReplicaBeginsAnew) {
  Metrics metrics(config_of());
  metrics.on_report(0, {.prefix_queries = 100, .prefix_hits = 40, .comm_s = {0.5}}, 10);
  metrics.on_report(0, {.prefix_queries = 150, .prefix_hits = 60, .comm_s = {0.75}}, 11);
  metrics.on_state(0, ReplicaState::kDown);
  metrics.on_restart(0);
  metrics.on_state(0, ReplicaState::kReady);
  metrics.on_report(0, {.prefix_queries = 170, .prefix_hits = 10, .comm_s = {0.25}}, 12);
  const Exposition shown(metrics.text());
  EXPECT_EQ(shown.value("vllm:prefix_cache_queries_total"), 320);
  EXPECT_EQ(shown.value("vllm:prefix_cache_hits_total"), 70);
  EXPECT_EQ(shown.value("kerf:comm_seconds_total", {{"op", "all_reduce"}}), 1);
  EXPECT_EQ(shown.value("kerf:replica_restarts_total"), 1);
  EXPECT_EQ(shown.value("kerf:replica_up"), 1);
}

TEST(Metrics, AReplicaThatIsDownHoldsNothing) {
  Metrics metrics(config_of());
  metrics.on_state(0, ReplicaState::kReady);
  metrics.on_report(0, {.running = 3, .waiting = 2, .blocks_used = 2, .blocks_cached = 1, .blocks_free = 5}, 1);
  EXPECT_EQ(Exposition(metrics.text()).value("vllm:kv_cache_usage_perc"), 0.25);
  metrics.on_state(0, ReplicaState::kDown);
  const Exposition shown(metrics.text());
  for (const char* name : {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc",
                           "kerf:kv_blocks_cached", "kerf:replica_up"}) {
    EXPECT_EQ(shown.value(name), 0) << name;
  }
}

TEST(Metrics, MeasuredAndPredictedStepsStandBesideEachOther) {
  Metrics metrics(config_of());
  ReplicaReport report;
  report.steps = {{.step = 1, .rank = 0, .begin_s = 1, .end_s = 1.5, .predicted_s = 0.25, .tokens = 7},
                  {.step = 1, .rank = 1, .begin_s = 1.5, .end_s = 2, .predicted_s = 0.25, .tokens = 7},
                  {.step = 2, .rank = 0, .begin_s = 2, .end_s = 2.5, .tokens = 9}};
  metrics.on_report(0, report, 3);
  const Exposition shown(metrics.text());
  EXPECT_EQ(shown.value("kerf:step_seconds_sum"), 1.5);
  EXPECT_EQ(shown.value("kerf:predicted_step_seconds_sum"), 0.5);
  EXPECT_EQ(shown.value("kerf:predicted_step_seconds_count"), 2);
  EXPECT_EQ(shown.value("vllm:iteration_tokens_total_sum"), 16);  // a step's tokens count once, not once per rank
}

TEST(Metrics, SharesAreOfTheLastSecondsOnly) {
  Metrics metrics(config_of());
  metrics.on_report(0, {.compute_s = 100}, 10);
  EXPECT_EQ(metrics.shares(0).comm, 0);
  for (int second = 0; second < 60; ++second) {
    metrics.on_report(0, {.compute_s = 100.0 + second, .comm_s = {second * 0.5}, .idle_s = second * 0.5}, 20 + second);
  }
  EXPECT_NEAR(metrics.shares(0).comm, 0.25, 1e-9);
  const Exposition shown(metrics.text());
  EXPECT_NEAR(shown.value("kerf:comm_fraction").value_or(-1), 0.25, 1e-9);
  EXPECT_NEAR(shown.value("kerf:bubble_fraction").value_or(-1), 0.25, 1e-9);
}

TEST(Metrics, WhatClientsSendCannotGrowTheDocument) {
  Metrics metrics(config_of());
  for (int i = 0; i < 1000; ++i) metrics.on_http("/made/up/" + std::to_string(i), 404);
  for (int i = 0; i < 1000; ++i) metrics.on_http("/v1/completions", 1000 + i);
  metrics.on_http("/v1/completions", 429);
  const Exposition shown(metrics.text());
  ASSERT_EQ(shown.error, "");
  EXPECT_EQ(shown.value("kerf:http_requests_total", {{"path", "other"}}), 1000);
  EXPECT_EQ(shown.value("kerf:http_requests_total", {{"path", "/v1/completions"}, {"code", "429"}}), 1);
  const auto series = std::count_if(shown.series.begin(), shown.series.end(),
                                    [](const auto& one) { return one.first.first == "kerf:http_requests_total"; });
  EXPECT_EQ(series, 5);  // two from the start, other, code 0, and the 429
}

TEST(Metrics, TheProcessIsSeenAsItIs) {
  Metrics metrics(config_of());
  const Exposition before(metrics.text());
  ASSERT_EQ(before.error, "");
  EXPECT_GT(before.value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(before.value("process_start_time_seconds"), 1.6e9);
  EXPECT_LE(before.value("process_open_fds"), before.value("process_max_fds"));
  const int fd = open("/dev/null", O_RDONLY);
  const Exposition after(metrics.text());
  EXPECT_EQ(after.value("process_open_fds"), before.value("process_open_fds").value_or(0) + 1);
  EXPECT_GE(after.value("process_cpu_seconds_total"), before.value("process_cpu_seconds_total"));
  close(fd);
}

// The reader above is only worth something if it refuses.
TEST(Exposition, RefusesWhatIsNotTheFormat) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  EXPECT_EQ(Exposition(head + "a_total{b=\"c\"} 1\n").error, "");
  for (const char* bad :
       {"a_total 1", "a_total -1\n", "a_total 1\na_total 1\n", "b_total 1\n", "a_total{b=\"\\x\"} 1\n",
        "a_total{b=c} 1\n", "a_total{b=\"c\"}  1\n", "a_total{b=\"c\",} 1\n", "a_total one\n",
        "a_total 1\n# HELP a_total x\n", "# TYPE a_total counter\n"}) {
    EXPECT_NE(Exposition(head + bad).error, "") << bad;
  }
  EXPECT_NE(Exposition("a 1\n").error, "");
  EXPECT_NE(Exposition("# HELP a x\n# TYPE a counter\na 1\n").error, "");
  const std::string histogram = "# HELP h x\n# TYPE h histogram\n";
  EXPECT_EQ(Exposition(histogram + "h_count 2\nh_sum 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n").error, "");
  EXPECT_NE(Exposition(histogram + "h_count 2\nh_sum 1\nh_bucket{le=\"1\"} 1\n").error, "");
  EXPECT_NE(Exposition(histogram + "h_count 2\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n").error, "");
  EXPECT_NE(Exposition(histogram + "h_count 2\nh_sum 1\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\n").error, "");
}

}  // namespace
}  // namespace kerf
