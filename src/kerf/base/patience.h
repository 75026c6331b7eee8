// Patience: how a thread waits for another one's next word.
#pragma once

#include <algorithm>
#include <chrono>

namespace kerf {

// Polls, then polls while it lets others run, then gives up: the caller sleeps. Waking a sleeping thread costs about
// 50 us, a poll 20 ns. On a machine with more busy threads than cores polling takes the time of whoever is waited for:
// a thread that lost its core polls the less. Threading: one thread.
class Patience {
 public:
  // True once `ready()` is, false when it is time to sleep.
  template <typename Ready>
  bool wait(const Ready& ready) {
    if (polled(ready)) return true;
    const auto start = Clock::now();
    auto now = start;
    for (; now - start < alone_; now = Clock::now()) {
      if (!polled(ready)) continue;
      alone_ = std::min(kMost, 2 * alone_);
      return true;
    }
    while (now - start < kAwake) {
      if (ready()) return true;
      if (lost_core(now)) alone_ = std::max(kLeast, alone_ / 2);
    }
    return ready();
  }

 private:
  using Clock = std::chrono::steady_clock;
  // A decoding step's loops are a few microseconds apart, steps about 100.
  static constexpr std::chrono::nanoseconds kMost{50'000};
  static constexpr std::chrono::nanoseconds kLeast{1'000};
  static constexpr std::chrono::nanoseconds kAwake{200'000};

  template <typename Ready>
  static bool polled(const Ready& ready) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
    return false;
  }
  static void relax();
  // Lets another thread run; true if there was one. Brings `now` up to date.
  static bool lost_core(Clock::time_point& now);

  std::chrono::nanoseconds alone_ = kMost;
};

}  // namespace kerf
