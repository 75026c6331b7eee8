// A token bucket that counts what it turns away.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace kerf {

struct RateLimit {
  double per_s = 1;
  double burst = 1;

  // now_s never goes back.
  [[nodiscard]] bool admit(double now_s) {
    if (!started) tokens = burst;
    tokens = std::min(burst, tokens + (started ? now_s - last_s : 0) * per_s);
    started = true;
    last_s = now_s;
    if (tokens < 1) {
      ++turned_away;
      return false;
    }
    tokens -= 1;
    return true;
  }

  // Since it was last asked.
  [[nodiscard]] int64_t take_turned_away() { return std::exchange(turned_away, 0); }

  bool started = false;
  double tokens = 0;
  double last_s = 0;
  int64_t turned_away = 0;
};

}  // namespace kerf
