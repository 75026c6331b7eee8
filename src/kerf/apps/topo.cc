// kerf topo: devices, links and fast-fabric domains of this machine or of a file that describes one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "kerf/apps/commands.h"
#include "kerf/apps/job.h"
#include "kerf/apps/machine_options.h"
#include "kerf/apps/this_machine.h"
#include "kerf/apps/topo_view.h"
#include "kerf/io/topology/machine_json.h"

namespace kerf {

namespace {

struct TopoOptions {
  MachineOptions machine;
  bool json = false;
};

Status run_topo(const TopoOptions& options) {
  HostTopology host;
  if (options.machine.named()) {
    KERF_TRY(host.machine, load_machine(options.machine));
  } else {
    KERF_TRY(host, read_this_machine());
  }
  if (options.json) {
    fmt::print("{}\n", machine_to_json(host.machine).dump(2));
  } else {
    fmt::print("{}", draw_machine(host.machine, host.tree));
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail("cannot write to standard output");
  return Ok{};
}

}  // namespace

void add_topo(CLI::App& app, const std::vector<std::string>& /*args*/, int& status) {
  auto options = std::make_shared<TopoOptions>();
  CLI::App* command = app.add_subcommand("topo", "Devices, links and fast-fabric domains of a machine");
  command->footer(
      "Examples:\n  kerf topo                              # this machine\n"
      "  nvidia-smi topo -m > t.txt; kerf topo --from t.txt --gpu A100-80G-SXM\n"
      "  kerf topo --from cluster.yaml --json   # what kerf plan --machine reads, too\n"
      "  kerf topo --gpu GB200 --nodes 18\n"
      "Bandwidths count one direction. A domain is a set of devices that fast links join, whatever node they are in.");
  add_machine_options(*command, options->machine);
  auto* from = command->add_option("--from", options->machine.machine, "the same as --machine");
  for (const char* other : {"--machine", "--gpus-per-node", "--nodes", "--topo", "--network"}) {
    from->excludes(command->get_option(other));
  }
  command->add_flag("--json", options->json, "one JSON document on stdout");
  command->callback([options, &status] {
    const Status done = run_topo(*options);
    if (!done.ok()) complain(done.error());
    status = done.ok() ? 0 : 1;
  });
}

}  // namespace kerf
