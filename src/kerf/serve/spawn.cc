#include "kerf/serve/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace kerf {

namespace {

// Between fork and exec in a process that may have threads: nothing here allocates or takes a lock.
[[noreturn]] void become(const SpawnOptions& options, const std::vector<char*>& argv, const std::vector<char*>& envp,
                         std::string_view complaint, pid_t parent) {
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
  execve(argv[0], argv.data(), envp.data());
  [[maybe_unused]] const auto written = write(STDERR_FILENO, complaint.data(), complaint.size());
  _exit(1);
}

}  // namespace

Result<pid_t> spawn(const SpawnOptions& options) {
  std::vector<char*> argv{const_cast<char*>(options.executable.c_str())};
  for (const std::string& arg : options.args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (const std::string& variable : options.environment) envp.push_back(const_cast<char*>(variable.c_str()));
  for (char** other = environ; *other != nullptr; ++other) envp.push_back(*other);
  envp.push_back(nullptr);
  const std::string complaint = fmt::format("kerf: cannot run {}\n", options.executable);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return fail("cannot start a process: {}", std::strerror(errno));
  if (child == 0) become(options, argv, envp, complaint, parent);
  return child;
}

}  // namespace kerf
