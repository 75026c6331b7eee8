// The cut that kerf chooses by itself, and the price of another one: every tp × pp that the hosts' cores allow,
// replayed over the probed machine (predict/replay.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kerf/planner/cost.h"
#include "kerf/spec/dtype.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/plan.h"
#include "kerf/spec/quantization.h"

namespace kerf {

// What the cut is for.
struct PlannedWork {
  int64_t sequences = 1;        // at the same time
  int64_t prompt_tokens = 128;  // of each
  int64_t output_tokens = 128;  // of each; 0: the prompts are scored
  int64_t max_num_batched_tokens = 512;
  int threads = 0;  // per rank; 0 = an even share of the cores
  Quantization quantization = Quantization::kNone;
  std::optional<DType> kv_cache_dtype = std::nullopt;  // none: as the weights
};

struct PlannedCut {
  Plan plan;
  int threads = 1;           // per rank
  double tokens_per_s = 0;   // output tokens after the first; of prompts that are scored, all
  double comm_fraction = 0;  // of rank 0's time
  double start_s = 0;        // starting ranks, which a single process needs not
  double total_s = 0;        // the whole job, start_s included
};

// The prediction for one plan; of plan.dp replicas each is alike, and `work` is what one of them does. REQUIRES:
// machine.host.probed(), check_plan(model, plan)
[[nodiscard]] PlannedCut predict_cut(const ModelSpec& model, DType dtype, const MachineSpec& machine, const Plan& plan,
                                     const PlannedWork& work);

// The possible cuts, the best first; a cut must be clearly better than one with fewer ranks to go before it.
// ranks: exactly so many; 0 = any number up to the machine's cores (its devices, where there are several hosts).
[[nodiscard]] std::vector<PlannedCut> plan_cuts(const ModelSpec& model, DType dtype, const MachineSpec& machine,
                                                const PlannedWork& work, int ranks = 0);

// "tp 2 x pp 2", "tp 1", "dp 2", "dp 2 x tp 2"
[[nodiscard]] std::string cut_name(const Plan& plan);

// One line each, for stderr.
[[nodiscard]] std::string describe_choice(const std::vector<PlannedCut>& cuts);
[[nodiscard]] std::string describe_override(const PlannedCut& given, const PlannedCut& best);

}  // namespace kerf
