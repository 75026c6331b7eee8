// What a stage of a server should take for a step, by the probed machine: to be shown beside what it took.
#pragma once

#include <memory>
#include <vector>

#include "kerf/engine/scheduler_config.h"
#include "kerf/engine/step_timing.h"
#include "kerf/planner/step_model.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

// The layers of every stage, cut as mesh/partition.cc cuts them.
[[nodiscard]] std::vector<StageLayers> stages_of(int64_t layers, const Plan& plan);

class StepPredictor {
 public:
  // REQUIRES: machine.host.probed()
  StepPredictor(ModelShape shape, MachineSpec machine, const Plan& plan, int64_t block_size, int threads);

  // Seconds. Of the step its tokens are known; of the sequences in it, what the scheduler's counts say on average.
  [[nodiscard]] double stage_s(const StepTiming& timing, const SchedulerStats& stats) const;

 private:
  ModelShape shape_;
  MachineSpec machine_;
  Plan plan_;
  int64_t block_size_;
  std::vector<StageLayers> stages_;
  std::unique_ptr<const StepModel> model_;  // refers to shape_ and machine_
};

}  // namespace kerf
