// How much memory programs may use here.
#pragma once

#include <cstdint>

namespace kerf {

// The host's memory, or what the control group of this process leaves of it (a container's limit).
[[nodiscard]] int64_t host_memory_bytes();

}  // namespace kerf
