#include "kerf/base/patience.h"

#include <sched.h>

namespace kerf {

void Patience::relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

bool Patience::lost_core(Clock::time_point& now) {
  constexpr std::chrono::nanoseconds kEmptyYield{10'000};  // one that finds nobody takes less than 1 us
  sched_yield();
  const auto before = now;
  now = Clock::now();
  return now - before > kEmptyYield;
}

}  // namespace kerf
