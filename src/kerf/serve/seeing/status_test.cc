#include "kerf/serve/seeing/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using Json = nlohmann::json;

ServerStatus busy() {
  ServerStatus status;
  status.facts = {.version = "0.1.0",
                  .model = "tales",
                  .dtype = "bfloat16",
                  .quantization = "int8",
                  .kv_cache_dtype = "bfloat16",
                  .max_model_len = 4096,
                  .plan = {.tp = 2, .pp = 2},
                  .why = "tp 2, pp 2: because",
                  .started_s = 100,
                  .predicted_tokens_per_s = 51};
  status.queue_depth = 3;
  ReplicaStatus replica{.state = ReplicaState::kReady, .since_s = 110, .restarts = 2, .pids = {7, 8, 9, 10}};
  replica.report = {.running = 4,
                    .waiting = 1,
                    .blocks_used = 5,
                    .blocks_cached = 6,
                    .blocks_free = 7,
                    .prefix_queries = 200,
                    .prefix_hits = 50,
                    .comm_s = {1.5, 0, 0.25}};
  replica.shares = {.comm = 0.125, .bubble = 0.25};
  replica.steps = {
      {.step = 1, .rank = 0, .begin_s = 10, .end_s = 10.02, .comm_s = 0.005, .predicted_s = 0.018, .tokens = 8},
      {.step = 1, .rank = 3, .begin_s = 10.02, .end_s = 10.05, .comm_s = 0.5, .predicted_s = 0.022, .tokens = 8},
      {.step = 2, .rank = 0, .begin_s = 10.03, .end_s = 10.04, .tokens = 1}};
  status.replicas = {replica, ReplicaStatus{.state = ReplicaState::kDown, .why = "killed", .since_s = 119}};
  return status;
}

TEST(StatusJson, SaysWhatThePageShows) {
  const Json json = Json::parse(status_json(busy(), 120));
  EXPECT_EQ(json["model"], "tales");
  EXPECT_EQ(json["uptime_s"], 20);
  EXPECT_EQ(json["plan"]["pp"], 2);
  EXPECT_EQ(json["machine"], nullptr);
  EXPECT_EQ(json["predicted"], Json::parse(R"({"tokens_per_s": 51.0, "ttft_ms": null, "tpot_ms": null})"));
  EXPECT_EQ(json["live"]["queue"], 3);
  EXPECT_EQ(json["live"]["running"], 4);
  EXPECT_EQ(json["live"]["ttft_ms"], nullptr);
  const Json& replica = json["replicas"][0];
  EXPECT_EQ(replica["state"], "ready");
  EXPECT_EQ(replica["for_s"], 10);
  EXPECT_EQ(replica["pids"], Json({7, 8, 9, 10}));
  EXPECT_EQ(replica["blocks"], Json({{"used", 5}, {"cached", 6}, {"free", 7}}));
  EXPECT_EQ(replica["prefix_hit_rate"], 0.25);
  EXPECT_EQ(replica["comm_s"], Json({{"all_reduce", 1.5}, {"all_gather", 0.25}}));
  EXPECT_EQ(json["replicas"][1]["why"], "killed");
  EXPECT_EQ(json["replicas"][1]["prefix_hit_rate"], nullptr);
}

TEST(StatusJson, TheTimelineCountsBackFromItsEndAndSplitsEveryStep) {
  const Json ranks = Json::parse(status_json(busy(), 120))["replicas"][0]["ranks"];
  ASSERT_EQ(ranks.size(), 2U);
  EXPECT_EQ(ranks[0]["stage"], 0);
  EXPECT_EQ(ranks[1]["stage"], 1);
  EXPECT_EQ(ranks[1]["tp_rank"], 1);
  EXPECT_EQ(ranks[0]["steps"], Json::parse("[[-50.0, 15.0, 5.0, 8], [-20.0, 10.0, 0.0, 1]]"));
  EXPECT_EQ(ranks[1]["steps"], Json::parse("[[-30.0, 0.0, 30.0, 8]]"));  // never more communication than time
}

TEST(StatusJson, PredictedIsComparedOverTheSameSteps) {
  ServerStatus status = busy();
  Json step = Json::parse(status_json(status, 120))["replicas"][0]["step"];
  EXPECT_EQ(step["measured_ms"], 25);  // without the third, which has no prediction
  EXPECT_EQ(step["predicted_ms"], 20);
  for (StepRecord& record : status.replicas[0].steps) record.predicted_s = 0;
  step = Json::parse(status_json(status, 120))["replicas"][0]["step"];
  EXPECT_EQ(step["measured_ms"], 20);
  EXPECT_EQ(step["predicted_ms"], nullptr);
}

TEST(StatusJson, ShowsTheMachineByItsNames) {
  ServerStatus status = busy();
  status.facts.machine = MachineSpec{
      .name = "lab",
      .device_kinds = {{.name = "cpu", .memory_bytes = 32e9, .memory_gb_per_s = 40}},
      .link_kinds = {{.name = "shm"}, {.name = "Ethernet"}},
      .devices = {{.name = "a0", .node = 0, .cpus = "0-1"}, {.name = "a1", .node = 0}, {.name = "b0", .node = 1}},
      .links = {{.a = 0, .b = 1, .kind = 0, .gb_per_s = 9.5, .latency_us = 0.7}},
      .networks = {{.name = "eth", .kind = 1, .nodes = {0, 1}, .gb_per_s_node = 1.25}},
      .node_names = {"a", "b"},
      .basis = Basis::kMeasured};
  const Json machine = Json::parse(status_json(status, 120))["machine"];
  EXPECT_EQ(machine["basis"], "measured");
  EXPECT_EQ(machine["hosts"][0]["devices"].size(), 2U);
  EXPECT_EQ(machine["hosts"][1]["name"], "b");
  EXPECT_EQ(machine["links"][0], Json::parse(R"({"a":"a0","b":"a1","kind":"shm","gb_per_s":9.5,"latency_us":0.7})"));
  EXPECT_EQ(machine["links"][1]["kind"], "Ethernet");
}

TEST(StatusJson, AnyTextIsCarried) {
  ServerStatus status = busy();
  status.facts.model = "</script>\"\\\n\xff";
  EXPECT_EQ(Json::parse(status_json(status, 120))["model"], "</script>\"\\\n\xef\xbf\xbd");
}

}  // namespace
}  // namespace kerf
