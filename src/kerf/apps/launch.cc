#include "kerf/apps/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "kerf/apps/descriptor_room.h"
#include "kerf/apps/keyboard.h"
#include "kerf/apps/lifeline.h"
#include "kerf/apps/session_room.h"
#include "kerf/apps/supervisor.h"
#include "kerf/serve/scratch_dir.h"

namespace kerf {

namespace {

constexpr int kMaxSlots = 65535;

// Files that mpirun has open: 28, and 4 for each rank of this host; seen with 2 and 4.
constexpr int kFilesOfMpirun = 32;
constexpr int kFilesOfRank = 4;

// Open MPI's choices when every rank is on this host, unless the user has made them. What they leave out would be
// probed at every start: ssh and batch systems, network interfaces, fabrics. 0.1 s of 0.3 s with four ranks.
struct Setting {
  const char* variable;
  const char* value;
};
constexpr std::array<Setting, 6> kOneHostSettings = {{
    {"OMPI_MCA_plm", "isolated"},
    {"OMPI_MCA_oob_tcp_if_include", "lo"},
    {"OMPI_MCA_pml", "ob1"},
    {"OMPI_MCA_btl", "self,vader"},
    {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"},  // the others need ptrace rights, which containers lack
    {"OMPI_MCA_osc", "^ucx"},
}};

// Under these mpirun finds out by itself where its ranks go.
constexpr std::array kBatchSystems = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "PE_HOSTFILE"};

bool in_environment(const char* variable) { return std::getenv(variable) != nullptr; }

bool all_on_this_host(const LaunchOptions& options) {
  return options.hosts.empty() && std::none_of(kBatchSystems.begin(), kBatchSystems.end(), in_environment);
}

std::optional<std::string> find_on_path(const std::string& program) {
  const char* variable = std::getenv("PATH");
  std::string_view path = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  while (!path.empty()) {
    const size_t length = path.find(':');
    const std::string candidate = fmt::format("{}/{}", path.substr(0, length), program);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    path.remove_prefix(length == std::string_view::npos ? path.size() : length + 1);
  }
  return std::nullopt;
}

std::vector<std::string> mpirun_command(const std::string& mpirun, const LaunchOptions& options) {
  std::vector<std::string> command{mpirun,      "-np", std::to_string(options.ranks), "--oversubscribe",
                                   "--bind-to", "none"};
  const auto add = [&](std::initializer_list<std::string> words) { command.insert(command.end(), words); };
  const auto set = [&](const std::string& parameter, const std::string& value) { add({"--mca", parameter, value}); };
  if (geteuid() == 0) add({"--allow-run-as-root"});
  set("odls_base_sigkill_timeout", "0");  // patience is the launcher's affair
  set("odls_base_num_threads", "0");      // a rank's parent, for its parent-death signal, is a thread
  set("opal_signal", "");                 // no stack traces between the lines
  if (!options.hosts.empty()) {
    add({"--host", options.hosts});
    if (const char* agent = std::getenv("KERF_LAUNCH_AGENT")) set("plm_rsh_agent", agent);
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view name = std::string_view(*variable).substr(0, std::string_view(*variable).find('='));
      if (name.starts_with("KERF_") || name == "PATH" || name == "LD_LIBRARY_PATH") add({"-x", std::string(name)});
    }
  }
  add({options.executable.empty() ? std::filesystem::read_symlink("/proc/self/exe").string() : options.executable});
  command.insert(command.end(), options.args.begin(), options.args.end());
  return command;
}

void set_environment(const Lifeline& lifeline, bool all_here) {
  setenv(kLifelineVariable, fmt::format("{}{}", all_here ? "all-here:" : "", lifeline.name()).c_str(), 1);
  if (isatty(STDERR_FILENO) == 1) setenv("KERF_TERMINAL", "1", 1);
  if (isatty(STDIN_FILENO) == 1) setenv("KERF_STDIN_TERMINAL", "1", 1);
  if (!all_here) return;
  for (const auto& [variable, value] : kOneHostSettings) setenv(variable, value, 0);
}

using Variables = std::vector<std::pair<std::string, std::string>>;

// The launcher's way of taking signals, undone when it goes out of scope, and in the child.
class Signals {
 public:
  Signals() {
    sigset_t taken;
    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP}) {
      struct sigaction action {};
      sigaction(signal, nullptr, &action);
      if (action.sa_handler != SIG_IGN) sigaddset(&taken, signal);  // nohup stays nohup
    }
    sigprocmask(SIG_BLOCK, &taken, &old_mask_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &old_pipe_);
    fd_ = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "cannot listen for signals");
  }
  ~Signals() {
    close(fd_);
    restore();
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void restore() const {
    sigaction(SIGPIPE, &old_pipe_, nullptr);
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
  sigset_t old_mask_{};
  struct sigaction old_pipe_ {};
};

struct Pipe {
  Pipe() {
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "cannot open a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    for (const int end : ends) close(end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  std::array<int, 2> ends{};
};

// Forks mpirun, which dies with this process.
pid_t start(const std::vector<std::string>& command, const Variables& variables, const Signals& signals,
            const Pipe& stderr_pipe, int stdin_fd) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t launcher = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "cannot start mpirun");
  if (child > 0) {
    setpgid(child, child);  // here and there: whoever is first
    return child;
  }

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) _exit(1);
  signals.restore();
  for (const auto& [variable, value] : variables) setenv(variable.c_str(), value.c_str(), 0);
  setpgid(0, 0);  // the terminal's Ctrl-C is for the launcher
  dup2(stdin_fd >= 0 ? stdin_fd : open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(stderr_pipe.ends[1], STDERR_FILENO);
  execv(argv[0], argv.data());
  fmt::print(stderr, "kerf: cannot run {}: {}\n", command[0], std::generic_category().message(errno));
  _exit(1);
}

// A program may be started with closed streams; descriptors opened later must not take their numbers.
void open_missing_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return;
  }
}

int refuse(int status, std::string_view sentence) {
  fmt::print(stderr, "kerf: {}\n", sentence);
  return status;
}

}  // namespace

Result<std::vector<HostSlots>> parse_hosts(std::string_view text) {
  std::vector<HostSlots> hosts;
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const size_t colon = item.find(':');
    const std::string_view name = item.substr(0, colon);
    constexpr std::string_view kInNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    if (name.empty() || name[0] == '-' || name.find_first_not_of(kInNames) != std::string_view::npos) {
      return fail("--hosts '{}': '{}' is not a host name; write hosts and their slots as in a:8,b:8", text, name);
    }
    int slots = 1;
    if (colon != std::string_view::npos) {
      const std::string_view number = item.substr(colon + 1);
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), slots);
      if (error != std::errc() || end != number.data() + number.size() || slots < 1 || slots > kMaxSlots) {
        return fail("--hosts '{}': '{}' is not a number of slots of {}; write one from 1 to {}", text, number, name,
                    kMaxSlots);
      }
    }
    hosts.push_back({.host = std::string(name), .slots = slots});
    if (comma == std::string_view::npos) return hosts;
    rest.remove_prefix(comma + 1);
  }
}

int launch(const LaunchOptions& options) {
  open_missing_streams();
  if (!options.hosts.empty()) {
    const auto hosts = parse_hosts(options.hosts);
    if (!hosts.ok()) return refuse(2, hosts.error().message);
    const int slots = std::accumulate(hosts->begin(), hosts->end(), 0,
                                      [](int sum, const HostSlots& host) { return sum + host.slots; });
    if (slots < options.ranks) {
      return refuse(2, fmt::format("--hosts '{}' has {} slots, but the plan needs {} ranks; add hosts or slots",
                                   options.hosts, slots, options.ranks));
    }
  }
  const std::optional<std::string> mpirun = find_on_path("mpirun");
  if (!mpirun) {
    return refuse(
        1,
        "Open MPI's mpirun, which starts the ranks, is not on PATH; install it (apt-get install openmpi-bin), "
        "or run with --tp 1 --pp 1");
  }
  const bool all_here = all_on_this_host(options);
  // Gone with this process whatever becomes of mpirun. A front has one for each of its replicas; over several hosts
  // each has its own directory for temporary files.
  std::optional<ScratchDir> scratch;
  if (all_here && !in_environment("OMPI_MCA_orte_tmpdir_base")) {
    remove_stale_scratch_dirs();
    scratch.emplace();
  }
  const Variables variables = scratch ? scratch->environment() : Variables();
  const Status room = check_session_room(variables.empty() ? session_directory() : scratch->path());
  if (!room.ok()) return refuse(1, room.error().message);
  const int files = kFilesOfMpirun + kFilesOfRank * (all_here ? options.ranks : 0);
  const Status enough = ensure_descriptors(static_cast<rlim_t>(files), "mpirun");
  if (!enough.ok()) return refuse(1, enough.error().message);
  const Lifeline lifeline;
  const Signals signals;
  const Pipe stderr_pipe;
  set_environment(lifeline, all_here);
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // ranks that outlive a killed mpirun are reaped here
  // A terminal serves only the foreground, so what is typed there goes through a pipe.
  std::optional<Keyboard> keyboard;
  int rank_stdin = STDIN_FILENO;
  if (isatty(STDIN_FILENO) == 1) {
    if (options.reads_terminal) keyboard.emplace();
    rank_stdin = keyboard ? keyboard->reader() : -1;
  }
  const pid_t child =
      start(mpirun_command(*mpirun, options), variables, signals, stderr_pipe, all_here ? -1 : rank_stdin);
  return Supervisor(lifeline, {.mpirun = child,
                               .mpirun_stderr = stderr_pipe.ends[0],
                               .signals = signals.fd(),
                               .rank_stdin = all_here ? rank_stdin : -1,
                               .keyboard = keyboard ? &*keyboard : nullptr,
                               .patient = options.patient})
      .run();
}

}  // namespace kerf
