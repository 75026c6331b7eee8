// Any bytes as the output of rocm-smi --showtopo.
#include <cstdint>
#include <string_view>

#include "fuzz/topology_fuzz.h"
#include "kerf/io/topology/rocm_topology.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto topology = kerf::parse_rocm_topology(text, "topo.txt");
  if (topology.ok()) kerf::check_machine(kerf::machine_of(*topology, "").value());
  return 0;
}
