#include "kerf/apps/probe/rounds.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

namespace kerf {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

Middle middle(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const size_t n = values.size();
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(n / 4);
  const auto last = values.end() - static_cast<std::ptrdiff_t>(n / 4);
  return {std::accumulate(first, last, 0.0) / static_cast<double>(last - first), *(last - 1) - *first, *first};
}

double time_of(const std::function<void()>& body, double least_s) {
  const Clock::time_point start = Clock::now();
  int calls = 0;
  double spent = 0;
  do {
    body();
    ++calls;
    spent = seconds_since(start);
  } while (spent < least_s);
  return spent / calls;
}

void Rounds::add(std::function<double()> sample, std::function<void(const Middle&)> take) {
  experiments_.push_back({std::move(sample), std::move(take), {}});
}

void Rounds::run(double budget_s, int least_rounds, const std::function<void(double done)>& progress) {
  const Clock::time_point start = Clock::now();
  for (Experiment& experiment : experiments_) (void)experiment.sample();  // warms caches and pages up
  const Clock::time_point measuring = Clock::now();
  for (int round = 0;; ++round) {
    // The next round takes as long as those before.
    const double each = round == 0 ? 0 : seconds_since(measuring) / round;
    if (round >= least_rounds && seconds_since(start) + each > budget_s) break;
    for (size_t i = 0; i < experiments_.size(); ++i) {
      experiments_[i].samples.push_back(experiments_[i].sample());
      const double part = static_cast<double>(i + 1) / static_cast<double>(experiments_.size());
      const double by_rounds = (round + part) / least_rounds;
      progress(std::min({1.0, by_rounds, std::max(by_rounds / 1e3, seconds_since(start) / budget_s)}));
    }
  }
  for (Experiment& experiment : experiments_) experiment.take(middle(std::move(experiment.samples)));
}

}  // namespace kerf
