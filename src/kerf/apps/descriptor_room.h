// Room for the files that a process may have open (ulimit -n). A program that runs out of them midway fails in words
// that do not say so, or hangs, as mpirun does.
#pragma once

#include <sys/resource.h>

#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

// Raises this process's limit, and that of processes that it starts, to `needed` where it is lower. Fails where the
// administrator does not allow that; the sentence says that `who` needs them.
[[nodiscard]] Status ensure_descriptors(rlim_t needed, std::string_view who);

}  // namespace kerf
