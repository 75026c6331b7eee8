#include "kerf/apps/server_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <nlohmann/json.hpp>

#include "kerf/apps/trace_file.h"
#include "tests/support/conformance.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerTraceTest : public ::testing::Test {
 protected:
  ServerTraceTest() {
    observer_.on_queued(1, {.name = "cmpl-1", .prompt_tokens = 3}, 100);
    observer_.on_scheduled(1, 0, 101);
    observer_.on_tokens(1, 1, 102);
    observer_.on_finished(1, FinishReason::kStop, 200, 103);
  }

  // As a replica leaves it: a row of one span.
  void leave_part(int replica) const {
    const TraceTrack track{.process = replica + 1,
                           .process_name = "replica " + std::to_string(replica),
                           .row_name = "stage 0",
                           .events = {{.begin_ns = 1000, .end_ns = 2000, .name = {'s', 't', 'e', 'p'}}}};
    ASSERT_TRUE(write_trace_file(trace_part(path_, replica), {track}).ok());
  }

  // The names of the processes in the file.
  [[nodiscard]] std::vector<std::string> processes() const {
    std::vector<std::string> names;
    for (const auto& event : nlohmann::json::parse(testing::read_file(path_))) {
      if (event["name"] == "process_name") names.push_back(event["args"]["name"]);
    }
    return names;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) names.push_back(entry.path().filename());
    return names;
  }

  testing::TempDir dir_;
  std::filesystem::path path_ = dir_.path() / "trace.json";
  Observer observer_{
      {.metrics = {.replicas = 3}, .log_sink = std::make_shared<spdlog::sinks::null_sink_mt>(), .trace = true}};
};

TEST_F(ServerTraceTest, JoinsTheFrontAndEveryReplicaAndLeavesNoParts) {
  leave_part(0);
  leave_part(1);
  const Status written = write_server_trace(path_, 2, observer_);
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(processes(), (std::vector<std::string>{"front", "replica 0", "replica 1"}));
  EXPECT_THAT(testing::read_file(path_), HasSubstr("cmpl-1"));
  EXPECT_EQ(files(), std::vector<std::string>{"trace.json"});
}

TEST_F(ServerTraceTest, PartsThatAreMissingOrBrokenOffAreLeftOut) {
  leave_part(0);  // replica 1 was killed before it wrote its own
  leave_part(2);
  std::filesystem::resize_file(trace_part(path_, 2), std::filesystem::file_size(trace_part(path_, 2)) - 1);
  ASSERT_TRUE(write_server_trace(path_, 3, observer_).ok());
  EXPECT_EQ(processes(), (std::vector<std::string>{"front", "replica 0"}));
  EXPECT_EQ(files(), std::vector<std::string>{"trace.json"});
}

TEST_F(ServerTraceTest, SaysWhereItCannotBeWrittenAndLeavesNoParts) {
  leave_part(0);
  std::filesystem::create_directory(path_);  // in the file's place
  const Status written = write_server_trace(path_, 1, observer_);
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, StartsWith("--trace "));
  EXPECT_THAT(written.error().message, HasSubstr(path_.string()));
  EXPECT_EQ(files(), std::vector<std::string>{"trace.json"});
}

}  // namespace
}  // namespace kerf
