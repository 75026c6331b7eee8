#include "kerf/apps/descriptor_room.h"

#include <algorithm>

namespace kerf {

Status ensure_descriptors(rlim_t needed, std::string_view who) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return Ok{};
  limit.rlim_cur = std::min(limit.rlim_max, needed);
  if (limit.rlim_cur == needed && setrlimit(RLIMIT_NOFILE, &limit) == 0) return Ok{};
  return fail("this process may have {} files open at once, and {} needs {}: raise ulimit -n", limit.rlim_cur, who,
              needed);
}

}  // namespace kerf
