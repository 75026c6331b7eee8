// read_machine: a machine from any file that describes one.
//
//   kerf's own JSON             kerf probe -o machine.json, kerf topo --json
//   a cluster file (YAML)       nodes joined by named links: cluster_file.h
//   nvidia-smi topo -m          nvidia_topology.h
//   rocm-smi --showtopo         rocm_topology.h
//   hwloc's XML                 lstopo machine.xml: hwloc_topology.h
//
// Which one it is shows from the text, not from the name. Errors begin with the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

struct ReadMachineOptions {
  std::string gpu;  // what the devices are, where the text does not say; a name of the catalogue
};

[[nodiscard]] Result<MachineSpec> read_machine(const std::filesystem::path& path,
                                               const ReadMachineOptions& options = {});

// The same for text. where: the file, for messages; directory: what a cluster file's own files are relative to.
[[nodiscard]] Result<MachineSpec> parse_machine(std::string_view text, std::string_view where,
                                                const std::filesystem::path& directory,
                                                const ReadMachineOptions& options = {});

// The text of a file of at most 64 MB.
[[nodiscard]] Result<std::string> read_topology_text(const std::filesystem::path& path);

}  // namespace kerf
