#include "kerf/serve/seeing/observer.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/exposition.h"

namespace kerf {
namespace {

using Json = nlohmann::json;
using testing::Exposition;

struct Seen {
  std::ostringstream out;
  Observer observer{{.metrics = {.model_name = "tales", .max_model_len = 100, .replicas = 2},
                     .facts = {.model = "tales", .started_s = 1},
                     .log_format = LogFormat::kJson,
                     .log_sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out),
                     .trace = true}};

  Exposition metrics() { return Exposition(observer.metrics_text()); }
  Json status(double now_s) { return Json::parse(observer.status_json(now_s)); }
  Json trace() {
    std::string text(kTraceHead);
    const TraceSink sink = [&](std::string_view part) {
      text += part;
      return Status(Ok{});
    };
    EXPECT_TRUE(observer.write_trace(sink).ok());
    return Json::parse(text + std::string(kTraceTail));
  }
};

TEST(Observer, ARequestIsSeenEverywhere) {
  Seen seen;
  Observer& observer = seen.observer;
  observer.on_queued(7, {.name = "cmpl-7", .prompt_tokens = 30, .max_tokens = 8}, 100);
  EXPECT_EQ(seen.metrics().value("kerf:queue_depth"), 1);
  EXPECT_EQ(seen.status(100)["live"]["queue"], 1);
  observer.on_scheduled(7, 0, 100.25);
  EXPECT_EQ(seen.metrics().value("kerf:queue_depth"), 0);
  observer.on_tokens(7, 1, 100.5, 16);
  observer.on_tokens(7, 2, 101);
  observer.on_scheduled(7, 1, 102);  // its replica was lost
  observer.on_tokens(7, 1, 103);
  observer.on_finished(7, FinishReason::kStop, 200, 103.5);

  const Exposition shown = seen.metrics();
  ASSERT_EQ(shown.error, "");
  EXPECT_EQ(shown.value("vllm:time_to_first_token_seconds_sum", {{"engine", "0"}}), 0.5);
  EXPECT_EQ(shown.value("vllm:generation_tokens_total", {{"engine", "0"}}), 3);
  EXPECT_EQ(shown.value("vllm:generation_tokens_total", {{"engine", "1"}}), 1);
  EXPECT_EQ(shown.value("vllm:inter_token_latency_seconds_sum", {{"engine", "1"}}), 2);  // the pause is not hidden
  EXPECT_EQ(shown.value("kerf:resumed_requests_total", {{"engine", "1"}}), 1);
  EXPECT_EQ(shown.value("vllm:request_success_total", {{"engine", "1"}, {"finished_reason", "stop"}}), 1);

  const Json live = seen.status(104)["live"];
  EXPECT_EQ(live["ttft_ms"]["p50"], 500);
  EXPECT_EQ(live["tokens_by_second"].back(), 1);

  double root_us = 0;
  std::string spans;
  for (const Json& event : seen.trace()) {
    if (event["ph"] != "b") continue;
    spans += event["name"].get<std::string>() + " ";
    EXPECT_EQ(event["args"]["output_tokens"], 4);
    if (event["name"] == "request") root_us = event["ts"].get<double>();
  }
  EXPECT_EQ(spans, "request queued prefill decode ");
  EXPECT_EQ(root_us, 100e6);
}

TEST(Observer, ARequestThatLeavesTheQueueLeavesItsDepth) {
  Seen seen;
  seen.observer.on_queued(1, {.name = "a"}, 1);
  seen.observer.on_queued(2, {.name = "b"}, 1);
  seen.observer.on_finished(1, FinishReason::kAbort, 499, 2);
  EXPECT_EQ(seen.metrics().value("kerf:queue_depth"), 1);
  EXPECT_EQ(seen.metrics().value("vllm:time_to_first_token_seconds_count", {{"engine", "0"}}), 0);
}

TEST(Observer, WhatComesTooLateChangesNothing) {
  Seen seen;
  seen.observer.on_queued(1, {}, 1);
  seen.observer.on_finished(1, FinishReason::kAbort, 499, 2);
  const std::string before = seen.observer.status_json(3);
  seen.observer.on_scheduled(1, 0, 3);
  seen.observer.on_tokens(1, 5, 3);
  seen.observer.on_finished(1, FinishReason::kStop, 200, 3);
  EXPECT_EQ(seen.observer.status_json(3), before);
}

TEST(Observer, AReplicasLifeIsSeen) {
  Seen seen;
  Observer& observer = seen.observer;
  observer.on_replica_state(1, ReplicaState::kStarting, 1);
  observer.on_replica_state(1, ReplicaState::kReady, 2, {.pids = {11, 12}});
  ReplicaReport report{.running = 3, .blocks_used = 1, .blocks_free = 1};
  for (int i = 0; i < 200; ++i) report.steps.push_back({.step = i, .begin_s = 0.1 * i, .end_s = 0.1 * i + 0.05});
  observer.on_report(1, report, 3);
  Json replica = seen.status(3)["replicas"][1];
  EXPECT_EQ(replica["pids"], Json({11, 12}));
  EXPECT_EQ(replica["ranks"][0]["steps"].size(), 64U);
  EXPECT_EQ(replica["restarts"], 0);

  observer.on_replica_state(1, ReplicaState::kDown, 4, {.why = "rank 1 was killed"});
  replica = seen.status(5)["replicas"][1];
  EXPECT_EQ(replica["state"], "down");
  EXPECT_EQ(replica["running"], 0);
  EXPECT_EQ(replica["pids"], Json::array());
  observer.on_replica_state(1, ReplicaState::kStarting, 5);
  observer.on_replica_state(1, ReplicaState::kReady, 6, {.pids = {13, 14}});
  EXPECT_EQ(seen.status(6)["replicas"][1]["restarts"], 1);
  EXPECT_EQ(seen.metrics().value("kerf:replica_restarts_total", {{"engine", "1"}}), 1);
  EXPECT_EQ(seen.metrics().value("kerf:replica_up", {{"engine", "1"}}), 1);
  EXPECT_EQ(seen.metrics().value("kerf:replica_up", {{"engine", "0"}}), 0);
}

}  // namespace
}  // namespace kerf
