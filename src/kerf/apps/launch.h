// Ranks are processes that Open MPI starts. kerf with more than one rank becomes their launcher: it runs
// mpirun on itself, hands its terminal through, and sees to it that the job ends as one.
//
//   launcher ──fork──▶ mpirun ──fork──▶ ranks (this host), or orted ──fork──▶ ranks (other hosts)
//      ▲                                  │
//      └── lifeline: a local socket ──────┘   its stdin, stdout and stderr; last words; who lives
//
// No death leaves a process behind: launcher → mpirun (kernel's parent-death signal) → ranks (the same).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct HostSlots {
  std::string host;
  int slots = 1;
  bool operator==(const HostSlots&) const = default;
};

// "a:8,b:8" → hosts in order; a host without a number has one slot. Errors name --hosts and its value.
[[nodiscard]] Result<std::vector<HostSlots>> parse_hosts(std::string_view text);

struct LaunchOptions {
  int ranks = 1;
  std::string hosts;              // "a:8,b:8", empty = this one, or those of the batch system's allocation
  std::vector<std::string> args;  // argv[1..], passed to every rank unchanged
  std::string executable;         // empty = this one
  bool reads_terminal = true;     // false: keys typed while the job runs stay for the shell
  bool patient = true;            // when a rank is lost: let Open MPI end the others and say why; false: kill them
};

// Runs the ranks and waits until none is left. Returns the exit status for main: that of the ranks; 1 and one
// sentence on stderr if a rank was killed or could not start; 128 + signal after SIGINT, SIGTERM or SIGHUP.
// On this host ranks have the launcher's own stdout and stderr, rank 0 its stdin, nothing in between.
// Across hosts mpirun relays all three.
// In the environment of the ranks: KERF_TERMINAL=1 if stderr is a terminal, KERF_STDIN_TERMINAL=1 if stdin is.
// KERF_LAUNCH_AGENT takes ssh's place for reaching other hosts.
// Threading: before the process starts its first thread; it forks.
[[nodiscard]] int launch(const LaunchOptions& options);

// The ranks' side. First thing in a rank's main: from here on it dies with its mpirun, and under kerf's
// launcher it takes over the launcher's stdin, stdout and stderr. Does nothing in a process that is no rank.
void tie_to_launcher();

// A failing rank's last words, a sentence without "kerf: " and newline. Of all that the ranks of a job say in this
// way the user sees one, the cause; without kerf's launcher it goes to stderr at once. Exit with 1 or 2 afterwards.
void report_failure(std::string_view sentence);

}  // namespace kerf
