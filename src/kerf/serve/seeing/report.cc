#include "kerf/serve/seeing/report.h"

#include <algorithm>
#include <iterator>

namespace kerf {

namespace {

// Timings come a step late at most, so an interval this old has seen all that will touch it.
constexpr size_t kIntervals = 256;

double seconds(int64_t ns) { return 1e-9 * static_cast<double>(ns); }

}  // namespace

// The union of intervals grows by what of the new one lies outside of it.
void ReportMaker::add_busy(int64_t begin_ns, int64_t end_ns) {
  auto at = busy_.upper_bound(begin_ns);
  if (at != busy_.begin() && std::prev(at)->second >= begin_ns) --at;
  while (at != busy_.end() && at->first <= end_ns) {
    begin_ns = std::min(begin_ns, at->first);
    end_ns = std::max(end_ns, at->second);
    busy_s_ -= seconds(at->second - at->first);
    at = busy_.erase(at);
  }
  busy_.emplace(begin_ns, end_ns);
  busy_s_ += seconds(end_ns - begin_ns);
  if (busy_.size() > kIntervals) busy_.erase(busy_.begin());
}

ReplicaReport ReportMaker::report(const SchedulerStats& stats, const std::vector<StepTiming>& timings,
                                  const std::function<double(const StepTiming&)>& predict) {
  sums_.steps.clear();
  for (const StepTiming& timing : timings) {
    const double own_s = seconds(timing.end_ns - timing.begin_ns);
    const double comm_s = seconds(timing.all_comm_ns());
    sums_.compute_s += std::max(0.0, own_s - comm_s);
    for (size_t op = 0; op < kCommOps; ++op) sums_.comm_s[op] += seconds(timing.comm_ns[op]);
    own_s_[timing.rank] += own_s;
    add_busy(timing.begin_ns, timing.end_ns);
    sums_.steps.push_back({.step = timing.step,
                           .rank = timing.rank,
                           .begin_s = seconds(timing.begin_ns),
                           .end_s = seconds(timing.end_ns),
                           .comm_s = comm_s,
                           .predicted_s = predict ? predict(timing) : 0,
                           .tokens = timing.tokens});
  }
  // A stage whose last steps are not known yet would seem idle: its share never goes back.
  double idle_s = 0;
  for (const auto& [rank, own_s] : own_s_) idle_s += std::max(0.0, busy_s_ - own_s);
  sums_.idle_s = std::max(sums_.idle_s, idle_s);

  sums_.running = stats.running;
  sums_.waiting = stats.waiting;
  sums_.blocks_used = stats.blocks_used;
  sums_.blocks_cached = stats.blocks_cached;
  sums_.blocks_free = stats.blocks - stats.blocks_used - stats.blocks_cached;
  sums_.prefix_queries = stats.prefix_queries;
  sums_.prefix_hits = stats.prefix_hits;
  sums_.preemptions = stats.preemptions;
  return sums_;
}

}  // namespace kerf
