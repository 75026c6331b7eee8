#include "kerf/serve/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace kerf {

namespace {

[[noreturn]] void become(const SpawnOptions& options, const std::vector<char*>& argv, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  setpgid(0, 0);  // a terminal's Ctrl-C is for the front
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!options.cores.empty()) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (const int core : options.cores) CPU_SET(static_cast<size_t>(core), &cores);
    sched_setaffinity(0, sizeof(cores), &cores);
  }
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(options.output, STDOUT_FILENO);
  dup2(options.output, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // a client's connection would stay open with the child
  setenv(options.variable.first.c_str(), options.variable.second.c_str(), 1);
  execv(argv[0], argv.data());
  fmt::print(stderr, "kerf: cannot run {}: {}\n", options.executable, std::strerror(errno));
  _exit(1);
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  std::vector<char*> argv{const_cast<char*>(options.executable.c_str())};
  for (const std::string& arg : options.args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return fail("cannot start a process: {}", std::strerror(errno));
  if (child == 0) become(options, argv, parent);
  return child;
}

}  // namespace kerf
