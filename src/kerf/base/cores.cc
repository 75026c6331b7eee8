#include "kerf/base/cores.h"

#include <sched.h>

#include <cstdlib>
#include <string_view>

namespace kerf {

std::vector<int> allowed_cores() {
  std::vector<int> cores;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

std::vector<int> choose_cores(const std::vector<int>& allowed, RankPlace place, int threads, bool always) {
  const int wanted = place.ranks * threads;
  const auto there = static_cast<int>(allowed.size());
  if (wanted > there || (wanted < there && !always)) return {};
  const auto first = allowed.begin() + place.index * threads;
  return {first, first + threads};
}

std::vector<int> cores_of_rank(RankPlace place, int threads) {
  const char* told = std::getenv("KERF_PIN");
  const std::string_view pin = told == nullptr ? "" : told;
  if (pin == "off") return {};
  return choose_cores(allowed_cores(), place, threads, pin == "on");
}

void pin_this_thread(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  (void)sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace kerf
