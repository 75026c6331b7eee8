#include "kerf/apps/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>

#include "kerf/apps/mpirun_output.h"

extern char** environ;

namespace kerf {

namespace {

using std::chrono::steady_clock;

// mpirun ends its ranks within a tenth of a second; then it is ended itself.
constexpr auto kGrace = std::chrono::seconds(2);

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
}

bool in_path(const std::string& program) {
  const char* variable = std::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/usr/bin:/bin";
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    if (access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
  }
  return false;
}

// A folder for mpirun's sockets, removed with everything that a killed mpirun leaves in it. In /tmp,
// since a socket's path must be short and TMPDIR may be neither short nor local.
class Scratch {
 public:
  Scratch() : path_("/tmp/kerf-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool inside_allocation() {
  constexpr std::array kVariables = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"};
  return std::any_of(kVariables.begin(), kVariables.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

std::vector<std::string> mpirun_command(const LaunchOptions& options, const std::string& scratch) {
  std::vector<std::string> command = {"mpirun",          "-np",       std::to_string(options.ranks),
                                      "--oversubscribe", "--bind-to", "none"};
  const auto set = [&](const char* parameter, const std::string& value) {
    command.insert(command.end(), {"--mca", parameter, value});
  };
  if (geteuid() == 0) command.emplace_back("--allow-run-as-root");
  set("odls_base_sigkill_timeout", "0");  // do not wait a second between SIGTERM and SIGKILL
  set("opal_signal", "");                 // no stack traces from MPI's own signal handlers
  set("orte_base_help_aggregate", "0");   // no banner counts others, outside its frame
  if (!options.hosts.empty()) {
    std::vector<std::string> hosts;
    for (const Host& host : options.hosts) hosts.push_back(fmt::format("{}:{}", host.name, host.slots));
    command.insert(command.end(), {"--host", fmt::format("{}", fmt::join(hosts, ","))});
    if (const char* agent = std::getenv("KERF_LAUNCH_AGENT")) set("plm_rsh_agent", agent);
  } else if (!inside_allocation()) {
    // One host: MPI only makes the introductions, so look for no network and no launcher.
    set("plm", "isolated");
    set("pml", "ob1");
    set("btl", "self,vader");
    if (!scratch.empty()) set("orte_tmpdir_base", scratch);
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("KERF_")) command.insert(command.end(), {"-x", std::string(text.substr(0, text.find('=')))});
  }
  command.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  return command;
}

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(size_t end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{};  // to read, to write
};

// A child in a process group of its own, so that Ctrl-C reaches only this process, which decides.
pid_t start(std::vector<std::string>& command, const sigset_t& signals, int in, int err) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // mpirun then ends its ranks and tidies up
  if (getppid() != parent) _exit(1);
  std::signal(SIGTTOU, SIG_IGN);  // writing from the background is fine
  std::signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  dup2(in, STDIN_FILENO);
  dup2(err, STDERR_FILENO);
  execvp(argv[0], argv.data());
  _exit(127);
}

// Looks after a running mpirun until it ends.
class Supervisor {
 public:
  // signals: a signalfd. in: to the child's stdin, or -1. err: from its stderr.
  Supervisor(pid_t child, int signals, Pipe& in, Pipe& err) : child_(child), signals_(signals), in_(in), err_(err) {}

  int run() {
    while (err_.ends[0] >= 0 || !status_) {
      // stdin is read only while the pipe has room for all of it, so that no write blocks.
      const bool room = in_.ends[1] >= 0 && writable(in_.ends[1]);
      std::array<pollfd, 4> fds = {pollfd{signals_, POLLIN, 0}, pollfd{err_.ends[0], POLLIN, 0},
                                   pollfd{room ? STDIN_FILENO : -1, POLLIN, 0},
                                   pollfd{ending_ != 0 ? -1 : STDOUT_FILENO, 0, 0}};
      poll(fds.data(), fds.size(), 50);
      if (fds[0].revents != 0) take_signal();
      if (fds[1].revents != 0) forward_stderr();
      if (fds[2].revents != 0) forward_stdin();
      if ((fds[3].revents & (POLLERR | POLLHUP)) != 0) end_with(SIGPIPE);
      if (ending_ != 0 && steady_clock::now() > give_up_) kill(child_, SIGKILL);
      reap();
    }
    return conclude();
  }

 private:
  static bool writable(int fd) {
    pollfd out{fd, POLLOUT, 0};
    return poll(&out, 1, 0) == 1;
  }

  void take_signal() {
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof(info)) == sizeof(info)) end_with(static_cast<int>(info.ssi_signo));
  }

  void end_with(int signal) {
    if (ending_ != 0) return;
    ending_ = signal;
    give_up_ = steady_clock::now() + kGrace;
    kill(child_, SIGTERM);
  }

  void forward_stderr() {
    std::array<char, 65536> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    const ssize_t n = read(err_.ends[0], bytes.data(), bytes.size());
    if (n > 0) show(output_.filter({bytes.data(), static_cast<size_t>(n)}));
    if (n == 0) err_.close_end(0);
  }

  // What a job says while it is being ended is of no use to who ended it.
  void show(std::string_view bytes) const {
    if (ending_ == 0) write_all(STDERR_FILENO, bytes);
  }

  void forward_stdin() {
    std::array<char, 4096> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): what a writable pipe has room for
    const ssize_t n = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n > 0) write_all(in_.ends[1], {bytes.data(), static_cast<size_t>(n)});
    if (n <= 0) in_.close_end(1);
  }

  void reap() {
    int status = 0;
    if (!status_ && waitpid(child_, &status, WNOHANG) == child_) {
      status_ = status;
      // Ranks that mpirun left behind may hold the pipe for a moment; they end by themselves.
      if (WIFSIGNALED(status)) err_.close_end(0);
    }
  }

  int conclude() {
    show(output_.rest());
    if (ending_ != 0) return 128 + ending_;
    if (WIFSIGNALED(*status_)) {
      show(fmt::format("kerf: mpirun was killed by signal {}; the job ends\n", WTERMSIG(*status_)));
      return 1;
    }
    const int exit_status = WEXITSTATUS(*status_);
    if (exit_status == 0) return 0;
    if (const auto reason = output_.reason()) show(*reason + "\n");
    return exit_status == 2 ? 2 : 1;
  }

  pid_t child_;
  int signals_;
  Pipe& in_;
  Pipe& err_;
  MpirunOutput output_;
  std::optional<int> status_;  // of mpirun, once it ended
  int ending_ = 0;             // the signal that ends the job
  steady_clock::time_point give_up_;
};

}  // namespace

Result<std::vector<Host>> parse_hosts(std::string_view text) {
  std::vector<Host> hosts;
  while (true) {
    const std::string_view item = text.substr(0, text.find(','));
    const size_t colon = item.find(':');
    Host host{.name = std::string(item.substr(0, colon)), .slots = 1};
    if (host.name.empty()) return fail("--hosts: \"{}\" names no host; write for example a:8,b:8", item);
    if (colon != std::string_view::npos) {
      const std::string_view slots = item.substr(colon + 1);
      const auto [end, error] = std::from_chars(slots.data(), slots.data() + slots.size(), host.slots);
      if (error != std::errc() || end != slots.data() + slots.size() || host.slots < 1) {
        return fail("--hosts: \"{}\" is not a number of slots for host {}; write for example {}:8", slots, host.name,
                    host.name);
      }
    }
    hosts.push_back(std::move(host));
    if (item.size() == text.size()) return hosts;
    text.remove_prefix(item.size() + 1);
  }
}

Result<int> launch(const LaunchOptions& options) {
  const int slots = std::accumulate(options.hosts.begin(), options.hosts.end(), 0,
                                    [](int sum, const Host& host) { return sum + host.slots; });
  if (!options.hosts.empty() && slots < options.ranks) {
    return fail("--hosts offers {} slots for {} ranks; name more hosts or more slots", slots, options.ranks);
  }
  if (!in_path("mpirun")) {
    return fail("{} ranks need mpirun, which is not installed; on Debian: apt-get install openmpi-bin", options.ranks);
  }
  setenv("KERF_LAUNCHED", "1", 1);
  if (isatty(STDERR_FILENO) != 0) setenv("KERF_TERMINAL", "1", 1);
  if (isatty(STDIN_FILENO) != 0) setenv("KERF_STDIN_TERMINAL", "1", 1);

  sigset_t handled;
  sigset_t before;
  sigemptyset(&handled);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&handled, signal);
  sigprocmask(SIG_BLOCK, &handled, &before);
  std::signal(SIGPIPE, SIG_IGN);

  const Scratch scratch;
  std::vector<std::string> command = mpirun_command(options, scratch.path());
  Pipe in;
  Pipe err;
  const int signals = signalfd(-1, &handled, SFD_CLOEXEC);
  const pid_t child = start(command, before, in.ends[0], err.ends[1]);
  if (child < 0) return fail("cannot start mpirun: {}", std::strerror(errno));
  in.close_end(0);
  err.close_end(1);
  if (!options.forward_stdin) in.close_end(1);
  const int status = Supervisor(child, signals, in, err).run();
  close(signals);
  return status;
}

}  // namespace kerf
