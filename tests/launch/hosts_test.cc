// Jobs over several hosts: ranks live on mpirun's relays. Two names of this machine are the hosts; a launch agent
// that needs no network takes ssh's place. Each host has a directory for temporary files of its own, as hosts do:
// two of Open MPI's daemons that make their session directories in one place at one time crash now and then.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/launch/job.h"

namespace kerf {
namespace {

using testing::alive;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Job;
using testing::ranks_of;
using testing::TempDir;

class LaunchOnHosts : public ::testing::Test {
 protected:
  LaunchOnHosts() {
    const auto agent = dir.path() / "agent";
    std::ofstream(agent) << "#!/bin/sh\nTMPDIR=" << dir.path().string()
                         << "/$1\nexport TMPDIR\nmkdir -p $TMPDIR\nshift\nexec sh -c \"$*\"\n";
    std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
    setenv("KERF_LAUNCH_AGENT", agent.c_str(), 1);
  }
  ~LaunchOnHosts() override { unsetenv("KERF_LAUNCH_AGENT"); }
  TempDir dir;
  const std::string hosts = "kerf-host-a:2,kerf-host-b:2";
};

TEST_F(LaunchOnHosts, StreamsAreRelayed) {
  Job job({"3", hosts, "cat"});
  const std::string line = "how are you?\n";
  ASSERT_EQ(write(job.in(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  EXPECT_EQ(job.read_some(1, line.size()), line);
  job.close_stdin();
  const auto end = job.wait();
  EXPECT_EQ(end.status, 0);
  EXPECT_THAT(end.err, IsEmpty());
}

TEST_F(LaunchOnHosts, AllOfStdoutComes) {
  const auto end = Job({"3", hosts, "bytes", "10000000"}).wait();
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(end.out.size(), 10000000);
}

TEST_F(LaunchOnHosts, RanksSeeTheLaunchersVariables) {
  setenv("KERF_ISA", "scalar", 1);
  const auto end = Job({"3", hosts, "show", "KERF_ISA"}).wait();
  unsetenv("KERF_ISA");
  EXPECT_EQ(end.out, "scalar\n");
}

TEST_F(LaunchOnHosts, OfWhatAllRanksSayTheUserSeesOneSentence) {
  const auto end = Job({"4", hosts, "fail", "2"}).wait();
  EXPECT_EQ(end.status, 2);
  EXPECT_EQ(end.err, "kerf: model.safetensors: it is not there\n");
}

TEST_F(LaunchOnHosts, AKilledRankEndsTheJobWithOneSentence) {
  Job job({"4", hosts, "wait", dir.path()});
  const auto ranks = ranks_of(job, dir, 4);
  kill(ranks[3], SIGKILL);
  const auto end = job.wait();
  fmt::print("ended in {:.2f} s\n", end.seconds);
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.err, "kerf: rank 3 was killed by signal 9; the job ends\n");
  for (const pid_t pid : ranks) EXPECT_TRUE(eventually([&] { return !alive(pid); }));
}

TEST_F(LaunchOnHosts, CtrlCAndDeathOfTheLauncherLeaveNothing) {
  for (const int signal : {SIGINT, SIGKILL}) {
    const TempDir own;
    Job job({"4", hosts, "wait", own.path()});
    const auto ranks = ranks_of(job, own, 4);
    kill(job.pid(), signal);
    for (const pid_t pid : ranks) EXPECT_TRUE(eventually([&] { return !alive(pid); }));
    EXPECT_EQ(job.wait().status, 128 + signal);
  }
}

TEST_F(LaunchOnHosts, AnAgentThatFailsIsOneSentence) {
  setenv("KERF_LAUNCH_AGENT", "/bin/false", 1);
  const auto end = Job({"4", hosts, "exit", "0", "0"}).wait();
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, HasSubstr("kerf: Open MPI: "));
  EXPECT_EQ(std::count(end.err.begin(), end.err.end(), '\n'), 1) << end.err;
}

TEST_F(LaunchOnHosts, TooFewSlotsAreWrongUsage) {
  const auto end = Job({"5", hosts, "exit", "0", "0"}).wait();
  EXPECT_EQ(end.status, 2);
  EXPECT_EQ(end.err, "kerf: --hosts '" + hosts + "' has 4 slots, but the plan needs 5 ranks; add hosts or slots\n");
}

}  // namespace
}  // namespace kerf
