#include "kerf/apps/predict/step_predictor.h"

#include <algorithm>
#include <utility>

#include "kerf/spec/reduction.h"

namespace kerf {

std::vector<StageLayers> stages_of(int64_t layers, const Plan& plan) {
  const std::vector<int64_t> bounds = even_bounds(layers, plan.pp);
  std::vector<StageLayers> stages;
  int64_t first = 0;
  for (int stage = 0; stage < plan.pp; ++stage) {
    const auto s = static_cast<size_t>(stage);
    const int64_t count = plan.pp_layers.empty() ? bounds[s + 1] - bounds[s] : plan.pp_layers[s];
    stages.push_back({stage, first, count, stage == 0, stage == plan.pp - 1});
    first += count;
  }
  return stages;
}

StepPredictor::StepPredictor(ModelShape shape, MachineSpec machine, const Plan& plan, int64_t block_size, int threads)
    : shape_(std::move(shape)),
      machine_(std::move(machine)),
      plan_(plan),
      block_size_(block_size),
      stages_(stages_of(shape_.num_layers(), plan)),
      model_(make_host_step_model(shape_, machine_, {.name = "kerf"}, threads)) {}

double StepPredictor::stage_s(const StepTiming& timing, const SchedulerStats& stats) const {
  const auto stage = static_cast<size_t>(timing.rank / plan_.tp);
  if (timing.tokens == 0 || stage >= stages_.size()) return 0;
  const double running = std::max<double>(1, static_cast<double>(stats.running));
  const double share = running / plan_.pp;  // of the sequences, in each step under way
  StepShape step{.tokens = static_cast<double>(timing.tokens)};
  step.sequences = std::clamp(share, 1.0, step.tokens);
  step.prefill = step.tokens > 2 * step.sequences;
  step.context = static_cast<double>(stats.blocks_used * block_size_) / running;
  return model_->stage(plan_, stages_[stage], step).total();
}

}  // namespace kerf
