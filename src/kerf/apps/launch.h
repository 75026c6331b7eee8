// Starts the ranks of a job with mpirun and looks after them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct Host {
  std::string name;
  int slots = 1;
};

// "a:8,b:8" → {a, 8}, {b, 8}; without ":n" one slot.
[[nodiscard]] Result<std::vector<Host>> parse_hosts(std::string_view text);

struct LaunchOptions {
  int ranks = 1;
  std::vector<Host> hosts;             // empty: this machine, or the allocation of Slurm, PBS or LSF
  std::vector<std::string> arguments;  // of this program, without its name: what every rank runs
  bool forward_stdin = false;          // to rank 0; otherwise its stdin is empty and ours is left alone
};

// Runs `mpirun -np ranks <this program> <arguments>` and returns the status to exit with: the ranks'
// own (0, 1, 2), 1 when a rank or mpirun was killed, 128 + n after signal n (Ctrl-C: 130). An error means that
// nothing was started.
//
// Rank 0's stdout reaches ours byte by byte; the ranks' stderr reaches ours without what mpirun says
// itself. A job that fails says so in one sentence, whatever number of ranks complain. SIGINT,
// SIGTERM, SIGHUP and a closed stdout end the ranks. Nothing outlives this process, even when it or mpirun is
// killed: mpirun dies with it, and ranks die with mpirun.
//
// The ranks find in their environment KERF_LAUNCHED=1, KERF_TERMINAL=1 if stderr is a terminal,
// KERF_STDIN_TERMINAL=1 if stdin is, and every KERF_ variable of this process. KERF_LAUNCH_AGENT takes ssh's place
// for reaching other hosts. REQUIRES: no other thread runs.
[[nodiscard]] Result<int> launch(const LaunchOptions& options);

}  // namespace kerf
