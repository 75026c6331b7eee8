// Starting a child process of the front that inherits nothing but what it is given.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct SpawnOptions {
  std::string executable;
  std::vector<std::string> args;         // argv[1..]
  std::vector<std::string> environment;  // NAME=value, before this process's own
  std::vector<int> cores;                // that it may run on; empty: as this process
  int output = -1;                       // becomes stdout and stderr
};

// Leader of a process group of its own, stdin empty, signals as at a login; dies with this thread.
// Threading: the process's first thread; others may run.
[[nodiscard]] Result<pid_t> spawn(const SpawnOptions& options);

}  // namespace kerf
