// The same on a terminal: keys, and what the ranks know of it.
#include <gmock/gmock.h>
#include <pty.h>

#include "tests/launch/job.h"

namespace kerf {
namespace {

using testing::alive;
using ::testing::EndsWith;
using testing::eventually;
using ::testing::HasSubstr;
using testing::ranks_of;
using testing::TempDir;

// A job alone on a terminal of its own, in the foreground.
class TerminalJob {
 public:
  explicit TerminalJob(const std::vector<std::string>& args) {
    std::vector<char*> argv{const_cast<char*>(LAUNCH_PROBE)};
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~TerminalJob() {
    close_terminal();
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  TerminalJob(const TerminalJob&) = delete;
  TerminalJob& operator=(const TerminalJob&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void type(const std::string& keys) {
    EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void close_terminal() {
    if (terminal_ >= 0) close(terminal_);
    terminal_ = -1;
  }

  // Everything shown so far, once it holds `text` or the job has ended.
  const std::string& shown(const std::string& text) {
    while (shown_.find(text) == std::string::npos) {
      pollfd ready{.fd = terminal_, .events = POLLIN, .revents = 0};
      std::array<char, 4096> bytes{};
      const bool came = poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(testing::kPatience).count())) == 1;
      const ssize_t got = came ? read(terminal_, bytes.data(), bytes.size()) : -1;
      if (got <= 0) break;
      shown_.append(bytes.data(), static_cast<size_t>(got));
    }
    return shown_;
  }

  int status() {
    int status = 0;
    EXPECT_TRUE(eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) << "the job hangs";
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string shown_;
};

TEST(LaunchOnATerminal, WhatIsTypedReachesRankZero) {
  TerminalJob job({"2", "", "cat"});
  job.type("how are you?\n");  // the terminal echoes it, and rank 0 repeats it
  EXPECT_THAT(job.shown("how are you?\r\nhow are you?\r\n"), EndsWith("how are you?\r\nhow are you?\r\n"));
  job.type("\x04");
  EXPECT_EQ(job.status(), 0);
}

TEST(LaunchOnATerminal, RanksKnowOfIt) {
  for (const char* variable : {"KERF_TERMINAL", "KERF_STDIN_TERMINAL"}) {
    TerminalJob job({"2", "", "show", variable});
    EXPECT_THAT(job.shown("\n"), HasSubstr("1\r\n"));
    EXPECT_EQ(job.status(), 0);
  }
}

TEST(LaunchOnATerminal, CtrlCEndsAll) {
  const TempDir dir;
  TerminalJob job({"3", "", "wait", dir.path()});
  const auto ranks = ranks_of(job, dir, 3);
  job.type("\x03");
  EXPECT_EQ(job.status(), 130);
  for (const pid_t pid : ranks) EXPECT_FALSE(alive(pid));
}

TEST(LaunchOnATerminal, AClosedTerminalEndsAll) {
  const TempDir dir;
  TerminalJob job({"3", "", "wait", dir.path()});
  const auto ranks = ranks_of(job, dir, 3);
  job.close_terminal();
  EXPECT_EQ(job.status(), 128 + SIGHUP);
  for (const pid_t pid : ranks) EXPECT_FALSE(alive(pid));
}

}  // namespace
}  // namespace kerf
