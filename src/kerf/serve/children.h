// Children: the front's child processes, and those that these leave behind: all are waited for, so that no zombie
// stays.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "kerf/serve/event_loop.h"
#include "kerf/serve/signal_watch.h"

namespace kerf {

// Blocks SIGCHLD and becomes the one that orphans are handed to. One per process.
// Threading: the loop's thread, before the process starts another.
class Children {
 public:
  // Throws std::system_error.
  explicit Children(EventLoop& loop);
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  // Calls on_exit once, with waitpid's status. REQUIRES: pid has just been forked
  void expect(pid_t pid, std::function<void(int status)> on_exit);
  void forget(pid_t pid) { expected_.erase(pid); }

 private:
  void reap();

  std::map<pid_t, std::function<void(int)>> expected_;
  SignalWatch ends_;
};

}  // namespace kerf
