// What the operating system says of this process, as Prometheus' clients name it.
#pragma once

#include <cstdint>

namespace kerf {

struct ProcessStats {
  double cpu_s = 0;  // user and system, all threads
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  int64_t open_fds = 0;
  int64_t max_fds = 0;
  double start_time_s = 0;  // since 1970
};

// From /proc/self; what cannot be read, without a descriptor left say, stays 0.
[[nodiscard]] ProcessStats read_process_stats();

}  // namespace kerf
