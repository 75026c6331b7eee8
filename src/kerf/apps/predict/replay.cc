#include "kerf/apps/predict/replay.h"

#include <algorithm>
#include <optional>

#include "kerf/apps/predict/step_predictor.h"
#include "kerf/base/check.h"

namespace kerf {

Replay::Replay(const StepModel& model, const ModelShape& shape, const Plan& plan, const SchedulerConfig& config)
    : model_(model),
      plan_(plan),
      stages_(stages_of(shape.num_layers(), plan)),
      free_s_(static_cast<size_t>(plan.pp)),
      scheduler_(config) {}

// engine/engine.cc: keep the stages full, then wait for the oldest step.
std::vector<SequenceUpdate> Replay::step() {
  std::vector<Step> steps;
  while (std::optional<Step> next = scheduler_.next()) steps.push_back(*std::move(next));
  for (const Step& step : steps) submit(step, scheduler_.num_in_flight());
  if (in_flight_.empty()) return {};
  now_s_ = std::max(now_s_, in_flight_.front().done_s);
  StepOutput output = std::move(in_flight_.front().output);
  in_flight_.erase(in_flight_.begin());
  Result<std::vector<SequenceUpdate>> updates = scheduler_.on_output(std::move(output));
  KERF_CHECK(updates.ok(), updates.ok() ? "" : updates.error().message);
  return std::move(updates).value();
}

void Replay::submit(const Step& step, int in_flight) {
  StepShape shape{.tokens = static_cast<double>(step.tokens.size()), .sequences = 0};
  shape.active = std::min(1.0, static_cast<double>(in_flight) / plan_.pp);
  double positions = 0;  // that the tokens see before themselves, summed
  InFlight flying{.output = {.step = step.id}, .done_s = now_s_};
  for (const SequenceSpan& span : step.spans) {
    shape.sequences += static_cast<double>(span.rows());
    positions += static_cast<double>(span.tokens) * (span.first_position + (span.tokens - 1) / 2.0);
    OutputRow row{.slot = span.slot};
    if (span.logits == LogitsWanted::kNone) continue;
    if (span.logits == LogitsWanted::kAll) row.error = "nothing is computed in a replay";
    flying.output.rows.push_back(std::move(row));
  }
  shape.prefill = step.tokens.size() > 2 * step.spans.size();
  // The step model adds what the new tokens see of each other; together it is what they see here.
  const double own = shape.prefill ? shape.tokens / std::max(1.0, shape.sequences) / 2 : 0;
  shape.context = positions / shape.tokens - own;
  for (const StageLayers& stage : stages_) {
    const auto s = static_cast<size_t>(stage.stage);
    const StepCost cost = model_.stage(plan_, stage, shape);
    free_s_[s] = std::max(free_s_[s], flying.done_s) + cost.total();
    flying.done_s = free_s_[s];
    if (s > 0) continue;
    comm_[CommOp::kAllReduce] += cost.all_reduce_s;
    comm_[CommOp::kAllToAll] += cost.all_to_all_s;
    comm_[CommOp::kSend] += cost.send_s;
  }
  now_s_ = std::max(now_s_, free_s_[0]);  // rank 0 computes stage 0 itself
  in_flight_.push_back(std::move(flying));
}

}  // namespace kerf
