#include "kerf/serve/seeing/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace kerf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What a Log that is used by `body` writes.
template <typename Body>
std::vector<std::string> lines_of(LogFormat format, const Body& body) {
  std::ostringstream out;
  {
    Log log(format, std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
    body(log);
  }
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

RequestLife life_of(std::string name) {
  return {.facts = {.name = std::move(name), .prompt_tokens = 30, .max_tokens = 64},
          .queued_s = 100,
          .scheduled_s = 100.25,
          .first_token_s = 100.5,
          .last_token_s = 102.5,
          .finished_s = 103,
          .cached_tokens = 16,
          .output_tokens = 5,
          .replica = 1,
          .resumed = 1,
          .finish = FinishReason::kLength,
          .status = 200};
}

TEST(Log, ARequestsEndIsOneJsonLine) {
  const auto lines = lines_of(LogFormat::kJson, [](Log& log) { log.request(life_of("cmpl-1")); });
  ASSERT_EQ(lines.size(), 1U);
  auto line = nlohmann::json::parse(lines[0]);
  EXPECT_THAT(line["time"].get<std::string>(), ::testing::MatchesRegex("20..-..-..T..:..:..\\....Z"));
  line.erase("time");
  EXPECT_EQ(line, nlohmann::json::parse(R"({"level":"info","event":"request","id":"cmpl-1","replica":1,"status":200,
      "finish":"length","prompt_tokens":30,"cached_tokens":16,"output_tokens":5,"queue_ms":250.0,"ttft_ms":500.0,
      "tpot_ms":500.0,"e2e_ms":3000.0,"resumed":1})"));
}

TEST(Log, TextSaysTheSameForPeople) {
  const auto lines = lines_of(LogFormat::kText, [](Log& log) {
    log.request(life_of("cmpl-1"));
    log.replica(0, ReplicaState::kDown, {.why = "rank 1 (pid 7) was killed by signal 9", .requests = 3}, 1);
    log.replica(0, ReplicaState::kReady, {.pids = {8, 9}, .load_s = 0.25}, 2);
    log.replica(0, ReplicaState::kDown, {}, 3);
  });
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[0], HasSubstr(" info    request id=cmpl-1 replica=1 status=200 finish=length"));
  EXPECT_THAT(
      lines[1],
      HasSubstr("warning replica replica=0 state=down why=\"rank 1 (pid 7) was killed by signal 9\" requests=3"));
  EXPECT_THAT(lines[2], HasSubstr("info    replica replica=0 state=ready pids=[8,9] load_s=0.25"));
  EXPECT_THAT(lines[3], HasSubstr("info    replica replica=0 state=down")) << "as it was told to";
}

TEST(Log, WhateverClientsSendStaysInItsLineAndField) {
  for (const LogFormat format : {LogFormat::kJson, LogFormat::kText}) {
    const auto lines =
        lines_of(format, [](Log& log) { log.request(life_of("a\n{\"level\":\"x\"} status=500 \xff\x1b[31m%v")); });
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], Not(HasSubstr("\x1b")));
    if (format == LogFormat::kText) {
      EXPECT_THAT(lines[0], HasSubstr(R"(id="a\n{\"level\":\"x\"} status=500 \ufffd\u001b[31m%v")"));
    } else {
      EXPECT_EQ(nlohmann::json::parse(lines[0])["id"], "a\n{\"level\":\"x\"} status=500 \xef\xbf\xbd\x1b[31m%v");
    }
  }
}

TEST(Log, AFloodIsCountedNotWritten) {
  const auto lines = lines_of(LogFormat::kJson, [](Log& log) {
    for (int i = 0; i < 3000; ++i) log.request(life_of("cmpl"));  // all at 103 s
    RequestLife later = life_of("later");
    later.finished_s = 104;
    log.request(later);
    log.replica(0, ReplicaState::kReady, {}, 104);  // another kind has its own limit
  });
  ASSERT_EQ(lines.size(), 1002U);
  const auto line = nlohmann::json::parse(lines[1000]);
  EXPECT_EQ(line["id"], "later");
  EXPECT_EQ(line["left_out"], 2000);
  EXPECT_EQ(nlohmann::json::parse(lines[1001])["state"], "ready");
}

TEST(Log, FormatsAreKnownByName) {
  EXPECT_EQ(log_format_from_name("json").value(), LogFormat::kJson);
  EXPECT_EQ(log_format_from_name("text").value(), LogFormat::kText);
  EXPECT_EQ(log_format_from_name("xml").error().message, "--log-format 'xml' is none; use text or json");
}

}  // namespace
}  // namespace kerf
