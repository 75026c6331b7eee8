// The cost model: (model, machine, engine, workload, plan) → what it takes, term by term. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kerf/planner/engine_spec.h"
#include "kerf/planner/memory.h"
#include "kerf/planner/published_figures.h"
#include "kerf/planner/workload.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

// Where the seconds of one step go, on the slowest rank of the slowest stage. They add up to total().
struct StepCost {
  double weights_s = 0;     // linears, as far as reading weights binds
  double compute_s = 0;     // linears, as far as arithmetic binds
  double attention_s = 0;   // attention over the KV cache
  double head_s = 0;        // embedding and output head
  double all_reduce_s = 0;  // TP (with SP: reduce-scatter + all-gather)
  double all_to_all_s = 0;  // EP
  double send_s = 0;        // PP hand-off
  double overhead_s = 0;    // launches, scheduling, sampling
  double bubble_s = 0;      // waiting for other stages
  [[nodiscard]] double comm_s() const { return all_reduce_s + all_to_all_s + send_s; }
  [[nodiscard]] double total() const {
    return weights_s + compute_s + attention_s + head_s + comm_s() + overhead_s + bubble_s;
  }
};

struct Prediction {
  Plan plan;  // pp_layers and microbatches filled in
  bool fits = false;
  std::string why;  // when it doesn't fit or cannot be: one sentence
  PlanMemory memory;

  double ttft_ms = 0;       // mean
  double tpot_ms = 0;       // mean time per output token after the first
  double tokens_per_s = 0;  // output tokens, all replicas together
  double requests_per_s = 0;
  double e2e_ms = 0;                  // mean, of a request
  double running = 0;                 // sequences in flight per replica (≤ concurrency, bound by KV)
  double comm_fraction = 0;           // of a decode step
  double bubble_fraction = 0;         // of a decode cycle
  double usd_per_million_tokens = 0;  // output tokens; 0 = no price

  StepCost decode;                // one decode cycle at `running` sequences
  StepCost prefill;               // one prompt
  double relative_error = 0;      // one standard deviation, of tpot and throughput
  Basis basis = Basis::kAssumed;  // the weakest that a dominant term rests on
  bool meets_slo = true;
};

// Prepares what doesn't depend on the plan once; predict() is then a few microseconds.
// Threading: predict() is const and may be called from several threads.
class CostModel {
 public:
  // With the catalogue's figures. Where they are wrong (KERF_CATALOG), no plan fits, and `why` says so.
  CostModel(const ModelShape& model, const MachineSpec& machine, const EngineSpec& engine, const Workload& workload);
  // With figures of one's own: calibration, or many models in a row.
  CostModel(const PublishedFigures& figures, const ModelShape& model, const MachineSpec& machine,
            const EngineSpec& engine, const Workload& workload);
  ~CostModel();
  CostModel(CostModel&&) noexcept;
  CostModel& operator=(CostModel&&) noexcept;

  [[nodiscard]] Prediction predict(const Plan& plan) const;

  // One forward pass of one microbatch through the slowest stage: `tokens` new tokens of `sequences` sequences, each
  // with `context` tokens in its cache on average.
  [[nodiscard]] StepCost step(const Plan& plan, double tokens, double sequences, double context) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace kerf
