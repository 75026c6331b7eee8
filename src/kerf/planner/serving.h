// From the time of a step to what clients see: prefill, decode and pipeline cycles composed into TTFT, TPOT and
// throughput. Closed forms, no simulation: a prediction takes microseconds. Pure.
//
//   decode    m microbatches of B/m; cycle = max(m · t_slowest, Σ t_s + hops); TPOT = cycle + the prefills of others
//   prefill   (pieces − 1) · t_slowest + Σ t_s; pieces = chunks, or one per stage
//   closed    TPOT = cycle + ω (B − 1) / OSL · t_prompt;  TTFT = t_prefill + wait for a step + burst + queue
//   static    prefill of the whole batch, then OSL − 1 cycles
//   burst     throughput = B · OSL / (OSL · cycle + ω B · t_prompt), B as large as the cache allows
//   open      B = rate · OSL · TPOT, solved by iteration; the queue for prefill as M/D/1
#pragma once

#include <vector>

#include "kerf/planner/cost.h"
#include "kerf/planner/engine_spec.h"
#include "kerf/planner/step_model.h"
#include "kerf/planner/workload.h"

namespace kerf {

// Stages that cost the same.
struct StageRun {
  StageLayers layers;  // of the first of them
  int stages = 1;
};

// One replica under a plan. Keeps references; made for one prediction.
class ReplicaModel {
 public:
  // prefix_hit: share of a prompt's tokens that are cached
  ReplicaModel(const StepModel& steps, const EngineSpec& engine, const Plan& plan, const std::vector<StageRun>& stages,
               double prefix_hit);

  // One decode cycle: every one of `sequences` sequences, with `context` tokens cached on average, gets its next
  // token. The slowest stage's terms for all microbatches; bubble_s is what it waits.
  [[nodiscard]] StepCost decode(double sequences, double context) const;

  // `prompts` prompts of `length` tokens together, from an idle pipeline.
  [[nodiscard]] StepCost prefill(double length, double prompts) const;

  // The same of a lone prompt, which takes as long as its launches at least.
  [[nodiscard]] StepCost first_prompt(double length) const;

  // What one prompt more costs a replica that is busy with prompts.
  [[nodiscard]] double prompt_s(double length) const;

 private:
  struct Pass {
    StepCost slowest;
    double slowest_s = 0;  // without the hand-off
    double sum_s = 0;      // of all stages and hops
  };
  [[nodiscard]] Pass pass(const StepShape& step) const;
  // Into how many pieces a batch of `rows` sequences or prompts of `length` tokens is cut.
  [[nodiscard]] double microbatches(double rows, double length) const;

  const StepModel& steps_;
  const EngineSpec& engine_;
  const Plan& plan_;
  const std::vector<StageRun>& stages_;
  double prefix_hit_;
};

// Fills ttft_ms, tpot_ms, tokens_per_s, requests_per_s, e2e_ms, running, decode and prefill of the prediction.
// kv_tokens: cache of one replica. REQUIRES: the plan fits
void serve(const ReplicaModel& replica, const EngineSpec& engine, const Workload& workload, double kv_tokens,
           Prediction& prediction);

}  // namespace kerf
