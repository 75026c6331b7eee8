// What a user sees of a job of several processes: how it ends, what it says, what it leaves behind.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/launch/job.h"

namespace kerf {
namespace {

using testing::alive;
using testing::eventually;
using ::testing::IsEmpty;
using testing::Job;
using testing::ranks_of;
using ::testing::StartsWith;
using testing::state_of;
using testing::TempDir;

constexpr double kSoon = 5;  // seconds; below one on an idle machine, which the tests print

void expect_none_left(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) EXPECT_TRUE(eventually([&] { return !alive(pid); })) << "process " << pid << " is left";
}

pid_t mpirun_of(pid_t rank) {
  const std::string stat = testing::stat_of(rank);
  return stat.empty() ? -1 : std::stoi(stat.substr(2));
}

void report_seconds(double seconds) { fmt::print("ended in {:.2f} s\n", seconds); }

TEST(Launch, AJobThatIsDoneEndsWithZeroAndSaysNothing) {
  const auto end = Job({"4", "", "exit", "0", "0"}).wait();
  EXPECT_EQ(end.status, 0);
  EXPECT_THAT(end.out, IsEmpty());
  EXPECT_THAT(end.err, IsEmpty());
}

TEST(Launch, TheStatusOfAFailingRankIsTheJobs) {
  for (const int status : {1, 2}) {
    const auto end = Job({"3", "", "exit", "2", std::to_string(status)}).wait();
    EXPECT_EQ(end.status, status);
    EXPECT_THAT(end.err, IsEmpty()) << "it is the rank that says why";
  }
}

TEST(Launch, OfWhatAllRanksSayTheUserSeesOneSentence) {
  const auto end = Job({"4", "", "fail", "2"}).wait();
  EXPECT_EQ(end.status, 2);
  EXPECT_EQ(end.err, "kerf: model.safetensors: it is not there\n");
}

TEST(Launch, StdoutPassesByteForByte) {
  constexpr long kBytes = 100'000'000;
  const auto end = Job({"2", "", "bytes", std::to_string(kBytes)}).wait();
  EXPECT_EQ(end.status, 0);
  ASSERT_EQ(end.out.size(), kBytes);
  size_t wrong = 0;
  for (size_t i = 0; i < end.out.size(); ++i) wrong += static_cast<unsigned char>(end.out[i]) != i % 251 ? 1 : 0;
  EXPECT_EQ(wrong, 0);
}

TEST(Launch, AReaderThatHasEnoughEndsTheJobSilently) {
  Job job({"2", "", "bytes", "1000000000000"});
  EXPECT_EQ(job.read_some(1, 1000).size(), 1000);
  job.close_stdout();
  const auto end = job.wait();
  EXPECT_EQ(end.status, 128 + SIGPIPE);
  EXPECT_THAT(end.err, IsEmpty());
}

TEST(Launch, RankZeroHasStdinAndAnswersAtOnce) {
  Job job({"2", "", "cat"});
  for (const std::string line : {"how are you?\n", "no newline"}) {
    ASSERT_EQ(write(job.in(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    EXPECT_EQ(job.read_some(1, line.size()), line);
  }
  job.close_stdin();
  EXPECT_EQ(job.wait().status, 0);
}

TEST(Launch, AProgressBarIsSeenWhileItIsDrawn) {
  Job job({"2", "", "bar"});
  const std::string bar = "\rloading --- [##..]";
  EXPECT_EQ(job.read_some(2, bar.size()), bar);
  job.close_stdin();
  EXPECT_EQ(job.wait().status, 0);
}

TEST(Launch, APipeIsNoTerminal) { EXPECT_EQ(Job({"2", "", "show", "KERF_TERMINAL"}).wait().out, "unset\n"); }

TEST(Launch, AKilledRankEndsTheJobWithOneSentence) {
  const TempDir dir;
  Job job({"4", "", "wait", dir.path()});
  const auto ranks = ranks_of(job, dir, 4);
  kill(ranks[2], SIGKILL);
  const auto end = job.wait();
  report_seconds(end.seconds);
  EXPECT_LT(end.seconds, kSoon);
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err, fmt::format("kerf: rank 2 (pid {}) was killed by signal 9; the job ends\n", ranks[2]));
  expect_none_left(ranks);
}

TEST(Launch, TheKilledRankIsTheCauseNotWhatTheOthersSayOfIt) {
  const TempDir dir;
  Job job({"3", "", "mourn", dir.path()});
  const auto ranks = ranks_of(job, dir, 3);
  kill(ranks[1], SIGKILL);
  const auto end = job.wait();
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err, fmt::format("kerf: rank 1 (pid {}) was killed by signal 9; the job ends\n", ranks[1]));
}

TEST(Launch, ASignalToTheLauncherEndsAll) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const TempDir dir;
    Job job({"3", "", "wait", dir.path()});
    const auto ranks = ranks_of(job, dir, 3);
    kill(job.pid(), signal);
    const auto end = job.wait();
    report_seconds(end.seconds);
    EXPECT_LT(end.seconds, kSoon);
    EXPECT_EQ(end.status, 128 + signal);
    EXPECT_THAT(end.err, IsEmpty());
    for (const pid_t pid : ranks) EXPECT_FALSE(alive(pid));
  }
}

TEST(Launch, CtrlCReachesTheWholeGroupAndEndsAll) {
  const TempDir dir;
  Job job({"3", "", "wait", dir.path()});
  const auto ranks = ranks_of(job, dir, 3);
  kill(-job.pid(), SIGINT);  // as a terminal does
  const auto end = job.wait();
  EXPECT_EQ(end.status, 130);
  EXPECT_THAT(end.err, IsEmpty());
  for (const pid_t pid : ranks) EXPECT_FALSE(alive(pid));
}

TEST(Launch, ASignalBeforeAnyRankRunsLeavesNothing) {
  const TempDir dir;
  Job job({"3", "", "wait", dir.path()});
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // anywhere in mpirun's start
  kill(job.pid(), SIGINT);
  EXPECT_EQ(job.wait().status, 130);
}

TEST(Launch, CtrlZStopsTheRanksAndFgContinuesThem) {
  const TempDir dir;
  Job job({"2", "", "wait", dir.path()});
  auto pids = ranks_of(job, dir, 2);
  pids.push_back(job.pid());
  kill(job.pid(), SIGTSTP);
  for (const pid_t pid : pids) EXPECT_TRUE(eventually([&] { return state_of(pid) == 'T'; }));
  kill(job.pid(), SIGCONT);
  for (const pid_t pid : pids) EXPECT_TRUE(eventually([&] { return state_of(pid) == 'S'; }));
  kill(job.pid(), SIGINT);
  EXPECT_EQ(job.wait().status, 130);
}

TEST(Launch, WithoutOpenMpiThereIsASentence) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const auto end = Job({"2", "", "exit", "0", "0"}).wait();
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, StartsWith("kerf: Open MPI's mpirun, which starts the ranks, is not on PATH; install it"));
}

TEST(Launch, WithoutItsLauncherNothingLives) {
  const TempDir dir;
  Job job({"3", "", "wait", dir.path()});
  auto pids = ranks_of(job, dir, 3);
  pids.push_back(mpirun_of(pids[0]));
  kill(job.pid(), SIGKILL);
  expect_none_left(pids);
}

TEST(Launch, WithoutMpirunNothingLives) {
  const TempDir dir;
  const TempDir tmp;
  setenv("TMPDIR", tmp.path().c_str(), 1);
  Job job({"3", "", "wait", dir.path()});
  unsetenv("TMPDIR");
  const auto ranks = ranks_of(job, dir, 3);
  EXPECT_FALSE(std::filesystem::is_empty(tmp.path()));
  kill(mpirun_of(ranks[0]), SIGKILL);
  const auto end = job.wait();
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err, "kerf: mpirun was killed by signal 9; the job ends\n");
  expect_none_left(ranks);
  EXPECT_TRUE(std::filesystem::is_empty(tmp.path())) << "nor is anything left on disk";
}

TEST(Launch, WhatAKilledLauncherLeftOnDiskTheNextOneRemoves) {
  const TempDir dir;
  const TempDir tmp;
  setenv("TMPDIR", tmp.path().c_str(), 1);
  {
    Job job({"2", "", "wait", dir.path()});
    auto pids = ranks_of(job, dir, 2);
    pids.push_back(mpirun_of(pids[0]));
    kill(job.pid(), SIGKILL);
    expect_none_left(pids);
  }
  EXPECT_FALSE(std::filesystem::is_empty(tmp.path()));
  EXPECT_EQ(Job({"2", "", "show", "KERF_TERMINAL"}).wait().status, 0);
  unsetenv("TMPDIR");
  EXPECT_TRUE(std::filesystem::is_empty(tmp.path()));
}

}  // namespace
}  // namespace kerf
