#include "kerf/base/host_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace kerf {

int64_t host_memory_bytes() {
  int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  // As a container sees its own group, in version 2 and 1 (Documentation/admin-guide/cgroup-v2.rst); "max" is no
  // number.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    int64_t limit = 0;
    if (std::ifstream(path) >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace kerf
