// A kerf job of its own process group, seen as a user sees it: stdin, stdout, stderr, signals, exit status, and
// the processes it leaves.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace kerf::testing {

inline constexpr std::chrono::seconds kPatience{60};  // the machine may be busy; a hang is longer

// True as soon as `done` is, false after kPatience.
inline bool eventually(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// "STATE PARENT …": the line of /proc/<pid>/stat after the program's name; empty: there is no such process.
inline std::string stat_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(") ");
  return name_end == std::string::npos ? "" : stat.substr(name_end + 2);
}

// 'S' sleeping, 'T' stopped, 'Z' zombie, …; '-': there is no such process.
inline char state_of(pid_t pid) {
  const std::string stat = stat_of(pid);
  return stat.empty() ? '-' : stat[0];
}

// A zombie has ended; whether somebody reaps it is not the job's affair.
inline bool alive(pid_t pid) { return std::string_view("-ZX").find(state_of(pid)) == std::string_view::npos; }

class Job {
 public:
  explicit Job(const std::vector<std::string>& args) {
    for (auto& ends : pipes_) EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    std::vector<char*> argv{const_cast<char*>(LAUNCH_PROBE)};
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      for (int i = 0; i < 3; ++i) dup2(pipes_[static_cast<size_t>(i)][i == 0 ? 0 : 1], i);
      execv(argv[0], argv.data());
      _exit(127);
    }
    for (size_t i = 0; i < 3; ++i) close_end(pipes_[i][i == 0 ? 0 : 1]);
  }
  ~Job() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    for (auto& ends : pipes_) {
      for (int& end : ends) close_end(end);
    }
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int in() const { return pipes_[0][1]; }
  void close_stdin() { close_end(pipes_[0][1]); }
  void close_stdout() { close_end(pipes_[1][0]); }

  // Blocks until `count` bytes of stdout (1) or stderr (2) have come.
  std::string read_some(int stream, size_t count) {
    std::string text(count, '\0');
    size_t got = 0;
    while (got < count && readable(stream)) {
      const ssize_t more = read(pipes_[static_cast<size_t>(stream)][0], text.data() + got, count - got);
      if (more <= 0) break;
      got += static_cast<size_t>(more);
    }
    text.resize(got);
    return text;
  }

  struct End {
    int status = -1;  // as a shell gives it
    std::string out;
    std::string err;
    double seconds = 0;  // that it took from the call
  };
  End wait() {
    const auto start = std::chrono::steady_clock::now();
    End end;
    std::thread err([&] { end.err = read_some(2, size_t{1} << 20); });
    while (true) {
      const std::string more = pipes_[1][0] < 0 ? "" : read_some(1, size_t{1} << 20);
      if (more.empty()) break;
      end.out += more;
    }
    int status = 0;
    const bool ended = eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
    EXPECT_TRUE(ended) << "the job hangs";
    if (ended) pid_ = -1;
    err.join();
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    end.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return end;
  }

 private:
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
  [[nodiscard]] bool readable(int stream) const {
    pollfd ready{.fd = pipes_[static_cast<size_t>(stream)][0], .events = POLLIN, .revents = 0};
    return poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1;
  }

  pid_t pid_ = -1;
  std::array<std::array<int, 2>, 3> pipes_{};  // stdin, stdout, stderr
};

// The pids of a job's ranks that run "wait DIR" or "mourn DIR", once all have written them.
template <typename AnyJob>
std::vector<pid_t> ranks_of(const AnyJob& job, const TempDir& dir, int ranks) {
  std::vector<pid_t> pids;
  for (int rank = 0; rank < ranks; ++rank) {
    pid_t pid = 0;
    const auto path = dir.path() / std::to_string(rank);
    EXPECT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(path) >> pid) || !alive(job.pid()); }));
    if (pid <= 0) throw std::runtime_error("rank " + std::to_string(rank) + " did not start");
    pids.push_back(pid);
  }
  return pids;
}

}  // namespace kerf::testing
