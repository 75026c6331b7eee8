// RestartPolicy: how long to wait before a replica is started again. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace kerf {

class RestartPolicy {
 public:
  using Duration = std::chrono::milliseconds;

  // It was lost; for how long had it been serving? The first times it is started again at once, for nearly every loss
  // is an accident; a replica that keeps dying must not keep the machine busy with loading it.
  [[nodiscard]] Duration on_loss(Duration served) {
    if (served >= kSound) in_a_row_ = 0;
    ++in_a_row_;
    if (in_a_row_ <= kAtOnce) return Duration(0);
    return std::min(kLongest, kFirst * (1 << std::min(in_a_row_ - kAtOnce - 1, 10)));
  }

  // Losses since it last served for a while.
  [[nodiscard]] int in_a_row() const { return in_a_row_; }

 private:
  static constexpr Duration kSound{2'000};
  static constexpr int kAtOnce = 3;
  static constexpr Duration kFirst{500};
  static constexpr Duration kLongest{30'000};

  int in_a_row_ = 0;
};

}  // namespace kerf
