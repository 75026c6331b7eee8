// The machine on the command line, for plan, lint and topo:
//
//   --machine FILE                              whatever read_machine() recognises: a probed machine, a cluster file,
//                                               nvidia-smi topo -m, rocm-smi --showtopo, hwloc XML
//   --gpu NAME --gpus-per-node N --nodes N      what is usually built of such GPUs, and
//     [--topo FILE]                             … with the links of one node taken from a file
//     [--network NAME]                          … with this link between nodes
#pragma once

#include <string>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace CLI {
class App;
}

namespace kerf {

struct MachineOptions {
  std::string machine;
  std::string gpu;
  std::string topo;
  std::string network;
  int gpus_per_node = 0;  // 0 = what the topology has, or 8, or a rack's tray
  int nodes = 1;

  // Whether a machine was asked for at all; when not, the caller takes the one it runs on.
  [[nodiscard]] bool named() const {
    return !machine.empty() || !gpu.empty() || !topo.empty() || !network.empty() || gpus_per_node > 0 || nodes > 1;
  }
};

void add_machine_options(CLI::App& command, MachineOptions& options);

// REQUIRES: options.named()
[[nodiscard]] Result<MachineSpec> load_machine(const MachineOptions& options);

}  // namespace kerf
