#include "kerf/apps/this_machine.h"

#include <array>
#include <cstdio>
#include <string>

#include "kerf/io/topology/nvidia_topology.h"
#include "kerf/io/topology/rocm_topology.h"

namespace kerf {

namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

// What a command prints; empty when it fails.
std::string output_of(const char* command) {
  std::string text;
  FILE* pipe = popen(command, "r");
  if (pipe == nullptr) return text;
  std::array<char, 4096> buffer{};
  for (size_t read = 0; text.size() < kMaxBytes && (read = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), read);
  }
  return pclose(pipe) == 0 ? text : std::string();
}

// `timeout` is coreutils': a driver that hangs must not hang kerf.
Result<MachineSpec> ask_tools() {
  const std::string nvidia = output_of(
      "command -v nvidia-smi >/dev/null 2>&1 && timeout -k 1 10 nvidia-smi -L 2>/dev/null </dev/null && timeout -k 1 "
      "10 "
      "nvidia-smi topo -m 2>/dev/null </dev/null");
  if (is_nvidia_topology(nvidia)) {
    KERF_TRY(const NodeTopology topology, parse_nvidia_topology(nvidia, "nvidia-smi"));
    return machine_of(topology, "");
  }
  const std::string rocm =
      output_of("command -v rocm-smi >/dev/null 2>&1 && timeout -k 1 10 rocm-smi --showtopo 2>/dev/null </dev/null");
  if (is_rocm_topology(rocm)) {
    KERF_TRY(const NodeTopology topology, parse_rocm_topology(rocm, "rocm-smi"));
    return machine_of(topology, "");
  }
  return fail("neither nvidia-smi nor rocm-smi");
}

}  // namespace

Result<HostTopology> read_this_machine() {
  KERF_TRY(HostTopology host, read_this_host());
  auto asked = ask_tools();
  if (!asked.ok()) return host;
  asked->node_names = host.machine.node_names;
  host.machine = *std::move(asked);
  host.tree.clear();
  return host;
}

}  // namespace kerf
