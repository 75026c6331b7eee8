#include "kerf/apps/machine_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>
#include <vector>

#include "kerf/apps/output_file.h"
#include "kerf/apps/probe/compute_probe.h"
#include "kerf/apps/sha256.h"
#include "kerf/io/json.h"
#include "kerf/io/topology/machine_json.h"
#include "kerf/serve/scratch_dir.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

constexpr auto kProbePatience = std::chrono::seconds(30);  // six times what it should take

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Runs this program with `args`, its stdout thrown away. True when it ended well in time.
bool run_self(const std::vector<std::string>& args) {
  std::error_code error;
  const std::string self = fs::read_symlink("/proc/self/exe", error).string();
  if (error) return false;
  std::vector<std::string> words{self};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (isatty(STDERR_FILENO) == 0) posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawn(&child, self.c_str(), &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return false;
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0) return false;
    if (std::chrono::steady_clock::now() - start > kProbePatience) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

constexpr size_t kMaxFileBytes = size_t{64} << 20;

Result<std::string> read_text(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error) return fail("{}: cannot be read: {}", path.string(), error.message());
  if (bytes > kMaxFileBytes) return fail("{}: {} bytes are no machine file", path.string(), bytes);
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good()) return fail("{}: cannot be read", path.string());
  return text;
}

std::optional<MachineSpec> usable(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  Result<MachineSpec> machine = load_machine_file(path);
  if (!machine.ok()) return std::nullopt;
  return std::move(machine).value();
}

}  // namespace

std::optional<fs::path> machine_cache_path(const std::string& hosts) {
  fs::path dir = environment("XDG_CACHE_HOME");
  if (!dir.is_absolute()) {  // as the XDG base directory specification has it
    const std::string home = environment("HOME");
    if (home.empty()) return std::nullopt;
    dir = fs::path(home) / ".cache";
  }
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  Sha256 hash;
  const std::string facts =
      fmt::format("{}\n{}\n{}\n{}", cpu_name(), std::thread::hardware_concurrency(), KERF_VERSION, hosts);
  hash.update(facts.data(), facts.size());
  std::string name(host.data());
  for (char& c : name) {
    if (c == '/' || c == '\0') c = '_';
  }
  return dir / "kerf" / fmt::format("machine-{}-{}.json", name, hash.hex().substr(0, 12));
}

Result<MachineSpec> load_machine_file(const fs::path& path) {
  KERF_TRY(const std::string text, read_text(path));
  KERF_TRY(MachineSpec machine, parse_machine_json(text, path.string()));
  if (!machine.host.probed()) {
    return fail("{}: holds no figures of a host; write one with kerf probe -o {}", path.string(), path.string());
  }
  return machine;
}

Status save_machine_file(const MachineSpec& machine, const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);  // failing, creating the file tells
  KERF_TRY(OutputFile file, OutputFile::create(path));
  const std::string text = machine_to_json(machine).dump(1) + "\n";
  KERF_TRY_STATUS(file.write(text.data(), text.size()));
  return file.commit();
}

std::optional<FoundMachine> find_machine(const std::string& hosts, bool may_probe) {
  const std::string given = environment("KERF_MACHINE");
  if (given == "off") return std::nullopt;
  if (!given.empty()) {
    Result<MachineSpec> machine = load_machine_file(given);
    if (machine.ok()) return FoundMachine{.machine = std::move(machine).value(), .path = given};
    fmt::print(stderr, "kerf: KERF_MACHINE: {}; going on without a plan\n", machine.error().message);
    return std::nullopt;
  }
  std::optional<fs::path> path = machine_cache_path(hosts);
  if (path) {
    if (std::optional<MachineSpec> machine = usable(*path)) {
      return FoundMachine{.machine = *std::move(machine), .path = *path};
    }
  }
  if (!may_probe) return std::nullopt;

  // Nowhere to keep it: this run has the figures all the same.
  fmt::print(stderr, "kerf: first start on this machine: measuring it for five seconds{}\n",
             path ? fmt::format(", kept in {}", path->string()) : "");
  const ScratchDir scratch;  // goes even if this process is killed: with the next one's start
  const fs::path file = scratch.path() / "machine.json";
  std::vector<std::string> args{"probe", "--quick", "-o", file.string()};
  if (!hosts.empty()) args.insert(args.end(), {"--hosts", hosts});
  std::optional<MachineSpec> machine;
  if (!scratch.path().empty() && run_self(args)) machine = usable(file);
  if (!machine) {
    fmt::print(stderr, "kerf: this machine could not be measured, as kerf probe can tell; going on without a plan\n");
    return std::nullopt;
  }
  FoundMachine found{.machine = *std::move(machine), .path = {}, .probed_now = true};
  if (path) {
    const Status saved = save_machine_file(found.machine, *path);
    if (saved.ok()) {
      found.path = *path;
    } else {
      fmt::print(stderr, "kerf: {}; the next start will measure again\n", saved.error().message);
    }
  }
  return found;
}

Result<std::optional<FoundMachine>> planning_machine(const std::string& file, const std::string& hosts,
                                                     bool may_probe) {
  if (file.empty()) return find_machine(hosts, may_probe);
  KERF_TRY(MachineSpec machine, load_machine_file(file));
  return std::optional(FoundMachine{.machine = std::move(machine), .path = file});
}

}  // namespace kerf
