// What replicas leave behind, and how long they live.
#include "tests/fleet/fleet.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace kerf {
namespace {

using testing::Fleet;
using testing::FleetOptions;
using namespace std::chrono_literals;

Request some_request(int64_t max_tokens = 30) {
  Request request{.prompt_ids = {5, 6, 7}};
  request.params.max_tokens = max_tokens;
  request.params.ignore_eos = true;
  return request;
}

size_t count_entries(const std::filesystem::path& dir, const std::string& prefix = "") {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    count += entry.path().filename().string().starts_with(prefix) ? 1 : 0;
  }
  return count;
}

// What this front's replicas have on disk.
size_t count_scratch() {
  return count_entries(std::filesystem::temp_directory_path(), fmt::format("kerf-scratch-{}-", getpid()));
}

bool alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

std::vector<pid_t> pids_of(const Fleet& fleet) {
  std::vector<pid_t> all;
  for (const ReplicaView& replica : fleet.dispatcher.replicas()) {
    all.insert(all.end(), replica.facts.pids.begin(), replica.facts.pids.end());
  }
  return all;
}

TEST(Fleet, AnIdleReplicaOutlivesItsRanksPatience) {
  for (const FleetOptions& cut : {FleetOptions{.tp = 2, .timeout = 600ms}, FleetOptions{.pp = 2, .timeout = 600ms}}) {
    Fleet fleet(cut);
    ASSERT_TRUE(fleet.run_until_ready());
    fleet.run_until([] { return false; }, 3s);
    const auto told = fleet.submit(some_request());
    EXPECT_TRUE(fleet.run_until([&] { return told->ends > 0; }));
    EXPECT_EQ(told->ids.size(), 30U);
    EXPECT_EQ(fleet.dispatcher.replicas()[0].restarts, 0) << ::testing::PrintToString(fleet.log);
  }
}

TEST(Fleet, ManyDeathsLeaveNothingBehind) {
  Fleet fleet({.tp = 2});
  ASSERT_TRUE(fleet.run_until_ready());
  const size_t descriptors = count_entries("/proc/self/fd");
  EXPECT_EQ(count_scratch(), 1U);
  for (int i = 0; i < 4; ++i) {
    kill(pids_of(fleet)[static_cast<size_t>(i % 2)], SIGKILL);
    ASSERT_TRUE(fleet.run_until([&] { return fleet.dispatcher.replicas()[0].restarts > i; }));
    ASSERT_TRUE(fleet.run_until_ready());
  }
  const auto told = fleet.submit(some_request());
  EXPECT_TRUE(fleet.run_until([&] { return told->ends > 0; }));
  EXPECT_EQ(count_entries("/proc/self/fd"), descriptors);
  EXPECT_EQ(count_scratch(), 1U);

  bool ended = false;
  fleet.dispatcher.shut_down(10s, [&] { ended = true; });
  EXPECT_TRUE(fleet.run_until([&] { return ended; }));
  EXPECT_TRUE(fleet.run_until([] { return waitpid(-1, nullptr, WNOHANG) < 0; })) << "a child is left";
  EXPECT_EQ(count_scratch(), 0U);
}

TEST(Fleet, ShuttingDownFinishesWhatRunsAndEndsEveryProcess) {
  Fleet fleet({.pp = 2, .replicas = 2});
  ASSERT_TRUE(fleet.run_until_ready());
  const std::vector<pid_t> pids = pids_of(fleet);
  EXPECT_EQ(pids.size(), 4U);
  std::vector<std::shared_ptr<testing::Told>> all;
  for (int i = 0; i < 6; ++i) all.push_back(fleet.submit(some_request(200)));
  bool ended = false;
  fleet.dispatcher.shut_down(60s, [&] { ended = true; });
  EXPECT_TRUE(fleet.run_until([&] { return ended; }));
  for (const auto& told : all) EXPECT_EQ(told->ids.size(), 200U);
  for (const pid_t pid : pids) EXPECT_FALSE(alive(pid));
}

TEST(Fleet, ARollingRestartReplacesEveryProcessAndLosesNoToken) {
  Fleet fleet({.replicas = 2});
  ASSERT_TRUE(fleet.run_until_ready());
  const std::vector<pid_t> before = pids_of(fleet);
  std::vector<std::shared_ptr<testing::Told>> all;
  for (int i = 0; i < 12; ++i) all.push_back(fleet.submit(some_request(300)));
  fleet.dispatcher.rolling_restart(30s);
  EXPECT_TRUE(fleet.run_until([&] {
    const auto replicas = fleet.dispatcher.replicas();
    return std::ranges::all_of(replicas, [](const ReplicaView& r) { return r.restarts == 1; });
  }));
  ASSERT_TRUE(fleet.run_until_ready());
  EXPECT_TRUE(
      fleet.run_until([&] { return std::ranges::all_of(all, [](const auto& told) { return told->ends > 0; }); }));
  for (const auto& told : all) EXPECT_EQ(told->ids.size(), 300U);
  for (const pid_t pid : before) EXPECT_FALSE(alive(pid));
}

TEST(Fleet, WithoutItsFrontNoReplicaLives) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t front = fork();
  if (front == 0) {
    Fleet fleet({.tp = 2, .replicas = 2});
    if (!fleet.run_until_ready()) _exit(1);
    for (const pid_t pid : pids_of(fleet)) (void)!write(pipe[1], &pid, sizeof(pid));
    fleet.run_until([] { return false; });
    _exit(0);
  }
  std::vector<pid_t> pids(4);
  for (pid_t& pid : pids) ASSERT_EQ(read(pipe[0], &pid, sizeof(pid)), static_cast<ssize_t>(sizeof(pid)));
  kill(front, SIGKILL);
  waitpid(front, nullptr, 0);
  for (const pid_t pid : pids) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (alive(pid) && std::chrono::steady_clock::now() < end) usleep(1000);
    EXPECT_FALSE(alive(pid));
  }
  for (const int end : pipe) close(end);
}

TEST(ScratchDir, OfAFrontThatIsNoMoreIsRemovedByTheNext) {
  const auto tmp = std::filesystem::temp_directory_path();
  const auto stale = tmp / "kerf-scratch-999999999-abcdef";  // more than any pid
  const auto strange = tmp / "kerf-scratch-strange";
  const auto elsewhere = tmp / "kerf-scratch-999999999-locked";  // a front in another container has it
  for (const auto& dir : {stale, strange, elsewhere}) std::filesystem::create_directory(dir);
  const int held = open(elsewhere.c_str(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(flock(held, LOCK_EX), 0);
  const ScratchDir own;
  remove_stale_scratch_dirs();
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(elsewhere));
  close(held);
  remove_stale_scratch_dirs();
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
  EXPECT_TRUE(std::filesystem::exists(own.path()));
  EXPECT_TRUE(std::filesystem::remove(strange)) << "it is somebody else's";
}

TEST(Fleet, AModelThatIsNotThereIsHopeless) {
  Fleet fleet({.model = "/nowhere"});
  std::string said;
  fleet.dispatcher.on_hopeless = [&](const std::string& why) { said = why; };
  EXPECT_TRUE(fleet.run_until([&] { return !said.empty(); }));
  EXPECT_THAT(said, ::testing::HasSubstr("/nowhere: no such model directory"));
}

}  // namespace
}  // namespace kerf
