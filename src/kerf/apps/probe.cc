// kerf probe: measures the machine or cluster it is started on.
//
// The process that the user starts measures memory and arithmetic; then it starts ranks of itself, which measure what
// lies between them: once over shared memory, once over MPI, or across --hosts as they are.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/launch.h"
#include "kerf/apps/machine_cache.h"
#include "kerf/apps/probe/collective_probe.h"
#include "kerf/apps/probe/compute_probe.h"
#include "kerf/apps/probe/machine_of_ranks.h"
#include "kerf/base/progress.h"
#include "kerf/comm/world.h"
#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/machine_json.h"

namespace kerf {

namespace {

constexpr int kFailed = 1;

struct ProbeOptions {
  std::string output;
  bool quick = false;
  bool tiny = false;
  int ranks = 0;
  std::string hosts;
  bool json = false;
  std::string as_rank;  // set in ranks alone: "auto", or "mpi", which hides from them that they share memory
};

// Seconds of the two parts.
struct Budget {
  double compute_s, ranks_s;
};

Budget budget(const ProbeOptions& options) {
  if (options.tiny) return {0, 0};
  return options.quick ? Budget{2.5, 0.6} : Budget{50, 12};
}

// A bar that fills with the share done.
class Bar {
 public:
  Bar(std::string_view label, double seconds)
      : ms_(static_cast<int64_t>(1000 * seconds)), progress_(label, ms_, 1000, "s", stderr_is_terminal()) {}
  void operator()(double done) { progress_.update(static_cast<int64_t>(done * static_cast<double>(ms_))); }

 private:
  int64_t ms_;
  Progress progress_;
};

// ---- a rank ----

int run_rank(const ProbeOptions& options) {
  if (options.as_rank == "mpi") {
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    setenv("KERF_HOST_ID", rank != nullptr ? rank : "0", 1);
  }
  std::unique_ptr<World> world;
  try {
    world = make_world();
    Bar bar(options.as_rank == "mpi" ? "probing MPI" : "probing the links", budget(options).ranks_s);
    CollectiveProbeOptions probe{.budget_s = budget(options).ranks_s, .quick = options.quick, .tiny = options.tiny};
    if (world->rank() == 0) probe.progress = [&](double done) { bar(done); };
    const CollectiveFigures figures = probe_collectives(*world, probe);
    if (world->rank() != 0) return 0;
    MachineSpec machine = machine_of_ranks(figures);
    find_domains(machine);
    fmt::print("{}\n", machine_to_json(machine).dump());
    if (std::fflush(stdout) == 0) return 0;
    report_failure("cannot write to standard output");
  } catch (const CommError& error) {
    report_failure(error.what());
    if (world == nullptr) std::_Exit(kFailed);
    world->abort("");
  }
  return kFailed;
}

// ---- the process that the user started ----

// Takes this process's stdout, and with it that of ranks on any host, into a file while it lives.
class CapturedStdout {
 public:
  CapturedStdout() : file_(std::tmpfile(), &std::fclose), real_(dup(STDOUT_FILENO)) {
    if (file_) dup2(fileno(file_.get()), STDOUT_FILENO);
  }
  ~CapturedStdout() {
    dup2(real_, STDOUT_FILENO);
    close(real_);
  }
  CapturedStdout(const CapturedStdout&) = delete;
  CapturedStdout& operator=(const CapturedStdout&) = delete;

  [[nodiscard]] std::string text() const {
    std::string text;
    if (!file_) return text;
    std::rewind(file_.get());
    std::array<char, 4096> piece{};
    for (size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), file_.get())) > 0;) text.append(piece.data(), n);
    return text;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  int real_;
};

Result<int> count_ranks(const ProbeOptions& options) {
  if (options.hosts.empty()) {
    return options.ranks > 0 ? options.ranks : static_cast<int>(std::thread::hardware_concurrency());
  }
  KERF_TRY(const std::vector<HostSlots> hosts, parse_hosts(options.hosts));
  int slots = 0;
  for (const HostSlots& host : hosts) slots += host.slots;
  if (options.ranks > slots) return fail("--ranks {} are more than the {} slots of --hosts", options.ranks, slots);
  return options.ranks > 0 ? options.ranks : slots;
}

// What `ranks` ranks found; nothing when they could not be started, which they said themselves.
Result<MachineSpec> probe_ranks(const ProbeOptions& options, int ranks, const std::string& transport) {
  std::vector<std::string> args{"probe", "--as-rank", transport};
  if (options.quick) args.emplace_back("--quick");
  if (options.tiny) args.emplace_back("--tiny");
  const CapturedStdout captured;
  const int status = launch({.ranks = ranks, .hosts = options.hosts, .args = args, .reads_terminal = false});
  if (status != 0) return fail("the ranks that were to measure the links ended with status {}", status);
  return parse_machine_json(captured.text(), "what the ranks measured");
}

Result<MachineSpec> probe(const ProbeOptions& options) {
  KERF_TRY(const int ranks, count_ranks(options));
  HostFigures figures = [&] {
    Bar bar("probing memory and arithmetic", budget(options).compute_s);
    return probe_compute({.budget_s = budget(options).compute_s,
                          .quick = options.quick,
                          .tiny = options.tiny,
                          .progress = [&](double done) { bar(done); }});
  }();
  MachineSpec machine = machine_of_cores(ranks);
  if (ranks > 1) {
    KERF_TRY(machine, probe_ranks(options, ranks, "auto"));
    if (machine.num_nodes() == 1) {
      KERF_TRY(MachineSpec over_mpi, probe_ranks(options, ranks, "mpi"));
      for (CollectiveCurve& curve : over_mpi.host.collectives) machine.host.collectives.push_back(std::move(curve));
    }
  }
  const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  add_compute(machine, std::move(figures), memory);
  return machine;
}

// ---- what a person sees ----

double curve_at(const MachineSpec& machine, std::string_view op, std::string_view transport, double bytes) {
  for (const CollectiveCurve& curve : machine.host.collectives) {
    if (curve.op != op || curve.transport != transport) continue;
    for (size_t i = 0; i < curve.bytes.size(); ++i) {
      if (curve.bytes[i] >= bytes) return curve.us[i];
    }
  }
  return 0;
}

void print_summary(const MachineSpec& machine, const std::string& path) {
  const HostFigures& host = machine.host;
  fmt::print("{}, {} kernels\n", machine.name, host.isa);
  const size_t all_threads = host.read_gb_per_s.size();
  fmt::print("reading memory, 1 thread    {:>10.1f} GB/s\n", host.read_gb_per_s.front());
  if (all_threads > 1)
    fmt::print("reading memory, {:>3} threads {:>10.1f} GB/s\n", all_threads, host.read_gb_per_s.back());
  fmt::print("reading files               {:>10.1f} GB/s\n", host.file_gb_per_s);
  for (const RatePoint& point : machine.device_kinds.front().matmul) {
    if (point.rows != 1 && point.rows != 16 && point.rows != 256) continue;
    const double all = point.gflops * static_cast<double>(std::ranges::count(machine.devices, 0, &Device::node));
    fmt::print("matmul {:>4}, {:>3} rows        {:>10.1f} GFLOP/s\n", point.format, point.rows, all);
  }
  for (const char* transport : {"shm", "mpi"}) {
    const double small = curve_at(machine, "all_reduce", transport, 8 << 10);
    const double large = curve_at(machine, "all_reduce", transport, 4 << 20);
    if (small > 0) fmt::print("all-reduce over {}, 2 ranks: 8 KB {:.1f} us, 4 MB {:.0f} us\n", transport, small, large);
  }
  fmt::print("how steady: half of the readings lie within {:.0f} % of each other\nwritten to {}\n", host.spread * 100,
             path);
}

int run_probe(const ProbeOptions& options) {
  std::string path = options.output;
  if (path.empty()) {
    const auto cache = machine_cache_path(options.hosts);
    if (!cache) {
      complain(fail("there is no home directory to keep the figures in: give -o FILE"));
      return kFailed;
    }
    path = cache->string();
  }
  const Result<MachineSpec> machine = probe(options);
  if (!machine.ok()) {
    complain(machine.error());
    return kFailed;
  }
  const Status saved = save_machine_file(*machine, path);
  if (!saved.ok()) {
    complain(saved.error());
    return kFailed;
  }
  if (options.json) {
    fmt::print("{}\n", machine_to_json(*machine).dump(1));
  } else {
    print_summary(*machine, path);
  }
  return std::fflush(stdout) == 0 ? 0 : kFailed;
}

}  // namespace

void add_probe(CLI::App& app, int& status) {
  auto options = std::make_shared<ProbeOptions>();
  CLI::App* command = app.add_subcommand("probe", "Measure this machine or cluster; the planner reads the result");
  command->footer(
      "Example:\n  kerf probe -o machine.json && kerf bench kerf-tales-7m --machine machine.json\n"
      "Without -o the figures go where kerf run looks for them. It takes about 80 seconds, with --quick 5.\n"
      "Let nothing else run meanwhile.");
  command->add_option("-o,--output", options->output, "machine file to write; default: the cache that kerf run reads");
  command->add_flag("--quick", options->quick, "five seconds, fewer points");
  command->add_option("--ranks", options->ranks, "ranks to measure between; default: one per core, or all slots")
      ->check(CLI::Range(1, 1024));
  command->add_option("--hosts", options->hosts, "hosts and their slots, as in a:2,b:2");
  command->add_flag("--json", options->json, "the machine file on stdout too");
  command->add_flag("--tiny", options->tiny, "for tests")->group("");
  command->add_option("--as-rank", options->as_rank)->group("");
  command->callback([options, &status] {
    if (!options->as_rank.empty()) {
      status = run_rank(*options);
      return;
    }
    if (started_by_mpi()) {
      complain(fail("kerf probe starts its ranks itself: give --hosts or --ranks in place of mpirun"));
      status = 2;
      return;
    }
    status = run_probe(*options);
  });
}

}  // namespace kerf
