// Replay: kerf's own scheduler at work, its stages' times predicted instead of measured. What a job would take under a
// plan, steps in flight, prompt chunks and shares included.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/apps/predict/runner.h"
#include "kerf/engine/scheduler.h"
#include "kerf/planner/step_model.h"

namespace kerf {

class Replay final : public Runner {
 public:
  // Keeps references. config: as the engine's, steps_in_flight = plan.pp.
  Replay(const StepModel& model, const ModelShape& shape, const Plan& plan, const SchedulerConfig& config);

  Status add(Request request) override { return scheduler_.add(std::move(request)); }
  bool end(RequestId request) override { return scheduler_.end(request); }
  [[nodiscard]] bool idle() const override { return scheduler_.idle(); }
  std::vector<SequenceUpdate> step() override;
  [[nodiscard]] double now_s() const override { return now_s_; }
  // Of stage 0, as rank 0 counts them.
  [[nodiscard]] CommSeconds comm() const override { return comm_; }

 private:
  struct InFlight {
    StepOutput output;
    double done_s;  // by the last stage
  };
  void submit(const Step& step, int in_flight);

  const StepModel& model_;
  const Plan& plan_;
  std::vector<StageLayers> stages_;
  std::vector<double> free_s_;  // [pp] when a stage has computed all it was given
  Scheduler scheduler_;
  std::vector<InFlight> in_flight_;  // oldest first
  double now_s_ = 0;                 // rank 0's clock
  CommSeconds comm_;
};

}  // namespace kerf
