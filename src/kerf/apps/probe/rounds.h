// Measuring on a machine whose speed drifts: experiments take turns, round after round, so that each meets every
// mood of the machine, and the mean of the middle half of its samples counts: outliers don't, but where memory has a
// fast and a slow mode, both do.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kerf/base/progress.h"

namespace kerf {

// The mean of the values between the quartiles, and how far these lie apart. Zeros when there are none.
struct Middle {
  double value = 0;
  double quartiles = 0;
  double low = 0;  // the lower quartile: for short things that other processes can only lengthen
};
[[nodiscard]] Middle middle(std::vector<double> values);

// Seconds of one call of `body`, repeated until `least_s` have passed.
[[nodiscard]] double time_of(const std::function<void()>& body, double least_s);

class Rounds {
 public:
  // sample() returns the quantity measured, once per round; take(middle) gets the outcome at the end.
  void add(std::function<double()> sample, std::function<void(const Middle&)> take);

  // Goes round until `budget_s` are spent, but `least_rounds` times in any case, and hands out the middles.
  void run(double budget_s, int least_rounds, const std::function<void(double done)>& progress);

 private:
  struct Experiment {
    std::function<double()> sample;
    std::function<void(const Middle&)> take;
    std::vector<double> samples;
  };
  std::vector<Experiment> experiments_;
};

}  // namespace kerf
