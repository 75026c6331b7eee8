// Makes a replica's reports of what its rank 0 knows.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "kerf/engine/scheduler_config.h"
#include "kerf/engine/step_timing.h"
#include "kerf/serve/seeing/observations.h"

namespace kerf {

// Adds up timings over a replica's life. The bubble of a rank is the time in which some stage had a step and the rank
// had none: an idle replica has no bubble, and neither has a single stage.
class ReportMaker {
 public:
  // stats, as they are now; timings: those since the last report, in the order in which they became known.
  // predict  // seconds of a stage for a step; empty = not known
  [[nodiscard]] ReplicaReport report(const SchedulerStats& stats, const std::vector<StepTiming>& timings,
                                     const std::function<double(const StepTiming&)>& predict = {});

 private:
  void add_busy(int64_t begin_ns, int64_t end_ns);

  ReplicaReport sums_;
  std::map<int32_t, double> own_s_;  // by rank: in steps
  std::map<int64_t, int64_t> busy_;  // begin → end, apart and in order: when some rank had a step; the newest few
  double busy_s_ = 0;                // all of it, also what is no longer in busy_
};

}  // namespace kerf
