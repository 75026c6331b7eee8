// Any bytes as a cluster file, whose own files are not there.
#include <cstdint>
#include <string_view>

#include "fuzz/topology_fuzz.h"
#include "kerf/io/topology/cluster_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto no_file = [](const std::filesystem::path& path, const std::string& /*gpu*/) {
    return kerf::Result<kerf::MachineSpec>(kerf::fail("{}: no such file", path.string()));
  };
  const auto machine = kerf::parse_cluster_file(text, "c.yaml", "", no_file);
  if (machine.ok()) kerf::check_machine(*machine);
  return 0;
}
