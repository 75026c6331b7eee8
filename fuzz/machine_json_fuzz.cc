// Any bytes as a machine in JSON.
#include <cstdint>
#include <string_view>

#include "fuzz/topology_fuzz.h"
#include "kerf/io/topology/machine_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto machine = kerf::parse_machine_json(text, "m.json"); machine.ok()) kerf::check_machine(*machine);
  return 0;
}
