#include "kerf/apps/fleet_plan.h"

#include <algorithm>

#include "kerf/apps/predict/shape_of.h"
#include "kerf/mesh/partition.h"
#include "kerf/planner/memory.h"

namespace kerf {

namespace {

// What a plan with more processes must gain: a prediction's usual error.
constexpr double kClearly = 0.05;

int processes(const PlannedCut& cut) { return cut.plan.ranks() * cut.plan.dp; }

}  // namespace

PlannedCut predict_fleet(const ModelSpec& model, DType dtype, const MachineSpec& machine, const Plan& plan,
                         const FleetWork& work) {
  PlannedWork one = work.work;
  one.sequences = std::max<int64_t>(1, (work.work.sequences + plan.dp - 1) / plan.dp);
  PlannedCut cut = predict_cut(model, dtype, machine, plan, one);
  cut.tokens_per_s *= plan.dp;
  cut.start_s = 0;  // a server starts once
  return cut;
}

std::vector<PlannedCut> plan_fleets(const ModelSpec& model, DType dtype, const MachineSpec& machine,
                                    const FleetWork& work) {
  const double replica_bytes = weight_bytes(shape_of(model, dtype, work.work.quantization));
  const auto fits = [&](int dp) {
    return dp == 1 || work.memory_bytes == 0 || replica_bytes * dp < static_cast<double>(work.memory_bytes);
  };
  std::vector<PlannedCut> cuts;
  const int cores = machine.host.cores;
  for (int dp = 1; dp <= cores && dp <= std::max<int64_t>(1, work.work.sequences) && fits(dp); ++dp) {
    for (int tp = 1; tp * dp <= cores && tp <= kMaxSlices; ++tp) {
      for (int pp = 1; pp * tp * dp <= cores; ++pp) {
        const Plan plan{.tp = tp, .pp = pp, .dp = dp};
        if (check_plan(model, plan).ok()) cuts.push_back(predict_fleet(model, dtype, machine, plan, work));
      }
    }
  }
  std::ranges::stable_sort(cuts, std::ranges::greater(), &PlannedCut::tokens_per_s);
  if (cuts.empty()) return cuts;
  const double good_enough = cuts.front().tokens_per_s / (1 + kClearly);
  const auto end = std::ranges::find_if(cuts, [&](const PlannedCut& cut) { return cut.tokens_per_s < good_enough; });
  const auto first = std::min_element(
      cuts.begin(), end, [](const PlannedCut& a, const PlannedCut& b) { return processes(a) < processes(b); });
  std::rotate(cuts.begin(), first, first + 1);
  return cuts;
}

}  // namespace kerf
