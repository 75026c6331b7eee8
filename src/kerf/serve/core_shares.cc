#include "kerf/serve/core_shares.h"

#include <sched.h>

#include "kerf/base/check.h"

namespace kerf {

std::vector<std::vector<int>> share_cores(const std::vector<int>& cores, int shares) {
  KERF_CHECK(!cores.empty() && shares >= 1);
  const size_t count = cores.size();
  const auto n = static_cast<size_t>(shares);
  std::vector<std::vector<int>> all(n);
  for (size_t i = 0; i < n; ++i) {
    if (count < n) {
      all[i] = {cores[i % count]};
    } else {
      for (size_t at = i * count / n; at < (i + 1) * count / n; ++at) all[i].push_back(cores[at]);
    }
  }
  return all;
}

std::vector<int> own_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace kerf
