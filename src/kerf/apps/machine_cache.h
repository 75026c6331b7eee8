// The cached machine file: what kerf run plans by when nobody gave it a machine.
//
//   $KERF_MACHINE                                 a file, or "off": no planning; goes before all else
//   $XDG_CACHE_HOME/kerf/machine-<host>-<hash>.json   else ~/.cache/kerf/…
//
// The hash is of what makes figures stale: the CPU's name, the cores this process may use, kerf's version, --hosts.
// Nothing here breaks a run: what cannot be read, written or measured is as if it were not there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "kerf/base/result.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

// Where the figures of this host, or of `hosts`, belong; nothing when there is no home to keep them in.
[[nodiscard]] std::optional<std::filesystem::path> machine_cache_path(const std::string& hosts);

// Reads a machine file that kerf wrote, with figures of a host in it.
[[nodiscard]] Result<MachineSpec> load_machine_file(const std::filesystem::path& path);

// Writes atomically; makes the directories.
[[nodiscard]] Status save_machine_file(const MachineSpec& machine, const std::filesystem::path& path);

struct FoundMachine {
  MachineSpec machine;
  std::filesystem::path path;  // empty: it is kept nowhere
  bool probed_now = false;
};

// The cached machine; where there is none and `may_probe`, a probe of five seconds in a process of its own, said in one
// line on stderr. Nothing when planning is off, or no figures are to be had.
// Threading: starts a process; call it before any thread is started.
[[nodiscard]] std::optional<FoundMachine> find_machine(const std::string& hosts, bool may_probe);

// The machine to plan by: that of `file`, if one is given, else find_machine's. Fails only when the file is none.
[[nodiscard]] Result<std::optional<FoundMachine>> planning_machine(const std::string& file, const std::string& hosts,
                                                                   bool may_probe);

}  // namespace kerf
