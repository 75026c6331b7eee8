#include "kerf/planner/shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kerf/spec/reduction.h"

namespace kerf {

Shares::Shares(const Plan& plan, const EngineSpec& engine)
    : tp_(plan.tp), largest_(1.0 / plan.tp), equal_(plan.tp_weights.empty()), slices_(engine.any_tp) {
  if (equal_) return;
  const double sum = std::accumulate(plan.tp_weights.begin(), plan.tp_weights.end(), 0.0);
  largest_ = *std::ranges::max_element(plan.tp_weights) / sum;
}

std::pair<int64_t, int64_t> Shares::range(int64_t units, int64_t rank) const {
  const int64_t slices = slices_ ? std::min<int64_t>(kMaxSlices, units) : units;
  return {(rank * slices / tp_) * units / slices, ((rank + 1) * slices / tp_) * units / slices};
}

int64_t Shares::most(int64_t units) const {
  if (units <= 0) return 0;
  if (equal_ && units % tp_ == 0) return units / tp_;
  if (!equal_) {
    const auto share = static_cast<int64_t>(std::ceil(static_cast<double>(units) * largest_ - 1e-9));
    return std::clamp<int64_t>(share, 1, units);
  }
  if (!slices_) return (units + tp_ - 1) / tp_;
  int64_t most = 1;
  for (int64_t rank = 0; rank < tp_; ++rank) {
    const auto [begin, end] = range(units, rank);
    most = std::max(most, end - begin);
  }
  return most;
}

double Shares::fraction(int64_t units) const {
  return units > 0 ? static_cast<double>(most(units)) / static_cast<double>(units) : 0.0;
}

int64_t Shares::kv_heads(int64_t heads, int64_t kv_heads) const {
  if (kv_heads <= 0) return 0;
  if (equal_ && kv_heads % tp_ == 0) return kv_heads / tp_;
  if (equal_ && tp_ % kv_heads == 0 && heads % tp_ == 0) return 1;
  const int64_t group = heads / kv_heads;
  if (!equal_) {  // a run of q query heads that begins inside a group reaches one group further
    return std::min(kv_heads, (most(heads) + group - 2) / group + 1);
  }
  int64_t most = 1;
  for (int64_t rank = 0; rank < tp_; ++rank) {
    const auto [begin, end] = range(heads, rank);
    if (end > begin) most = std::max(most, (end - 1) / group - begin / group + 1);
  }
  return most;
}

}  // namespace kerf
