// TP x PP x DP for a server: how many replicas, each cut how, give the most tokens per second.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/apps/auto_plan.h"

namespace kerf {

// What each plan is judged by: so many sequences at the same time in a steady stream, over all replicas.
struct FleetWork {
  PlannedWork work;          // sequences: of all replicas together
  int64_t memory_bytes = 0;  // that all replicas may have together; 0 = not to be counted
};

// Every tp x pp x dp that the host's cores allow and whose weights fit, the best first; tokens_per_s are those of all
// replicas together. Replicas share cores and memory bandwidth; a plan must be clearly better than one with fewer
// processes to go before it. REQUIRES: machine.host.probed()
[[nodiscard]] std::vector<PlannedCut> plan_fleets(const ModelSpec& model, DType dtype, const MachineSpec& machine,
                                                  const FleetWork& work);

// The prediction for one of them.
[[nodiscard]] PlannedCut predict_fleet(const ModelSpec& model, DType dtype, const MachineSpec& machine,
                                       const Plan& plan, const FleetWork& work);

}  // namespace kerf
