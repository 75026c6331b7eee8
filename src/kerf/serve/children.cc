#include "kerf/serve/children.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

namespace kerf {

Children::Children(EventLoop& loop) : ends_(loop, {SIGCHLD}, [this](int /*signal*/) { reap(); }) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void Children::expect(pid_t pid, std::function<void(int)> on_exit) { expected_[pid] = std::move(on_exit); }

void Children::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto found = expected_.find(pid);
    if (found == expected_.end()) continue;
    const auto on_exit = std::move(found->second);
    expected_.erase(found);
    on_exit(status);
  }
}

}  // namespace kerf
