// Watches over one mpirun and its ranks until none is left, and decides what the job's end was.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "kerf/apps/keyboard.h"
#include "kerf/apps/lifeline.h"
#include "kerf/apps/mpirun_stderr.h"

namespace kerf {

class Supervisor {
 public:
  struct Job {
    pid_t mpirun;        // a child of this process, leader of its own process group
    int mpirun_stderr;   // the read end of its pipe, non-blocking
    int signals;         // a signalfd for SIGCHLD, SIGTSTP and what ends the job
    int rank_stdin;      // what the lifeline hands to rank 0; -1: mpirun relays stdin
    Keyboard* keyboard;  // to be pumped; may be null
    bool patient;        // LaunchOptions::patient
  };
  Supervisor(const Lifeline& lifeline, const Job& job) : lifeline_(lifeline), job_(job) {}
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Returns main's exit status, having said the one sentence if there is one to say.
  int run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Rank {
    int fd;  // -1: it has left
    pid_t pid;
    int number = -1;
    bool farewell = false;
  };

  void step();
  [[nodiscard]] int patience_ms() const;  // -1: endless
  void on_signal();
  void pause() const;
  void on_stderr();
  void on_message(Rank& rank);
  void reap();
  void send_to_ranks(int signal) const;
  void kill_all();
  void kill_after(Clock::duration grace);
  [[nodiscard]] bool any_rank() const;
  int verdict();
  static int say(const std::string& sentence, int status);

  const Lifeline& lifeline_;
  Job job_;
  std::vector<Rank> ranks_;
  MpirunStderr stderr_;
  std::string last_words_;
  std::optional<Rank> lost_;                   // the first that left without farewell
  std::optional<int> mpirun_status_;           // as waitpid gives it
  int interrupted_ = 0;                        // the signal that ends the job
  std::optional<Clock::time_point> kill_at_;   // patience ends
  std::optional<Clock::time_point> leave_at_;  // after a kill nobody is waited for longer than this
};

}  // namespace kerf
