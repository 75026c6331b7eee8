// StepModel: the time of one forward pass of one stage. Serving (serving.h) composes requests from it; which of two
// implementations is used depends on what is known of the machine.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kerf/planner/cost.h"
#include "kerf/planner/published_figures.h"

namespace kerf {

// One microbatch, as a stage sees it.
struct StepShape {
  double tokens = 1;     // new tokens: rows of every matmul
  double sequences = 1;  // they belong to; rows of the head's matmul
  double context = 0;    // tokens in the cache of each sequence on average, before this step
  double active = 1;  // share of the replica's stages that compute at the same time, 1/pp … 1; only shared memory minds
  bool prefill = false;  // tokens > sequences: new tokens attend to each other
};

// The layers of one stage.
struct StageLayers {
  int stage = 0;
  int64_t first = 0;
  int64_t count = 0;
  bool embeds = false;  // the first stage
  bool heads = false;   // the last stage
};

class StepModel {
 public:
  StepModel() = default;
  StepModel(const StepModel&) = delete;
  StepModel& operator=(const StepModel&) = delete;
  virtual ~StepModel() = default;

  // The slowest rank of the stage. REQUIRES: room(plan). send_s is the hand-off to the next stage (0 on the last);
  // bubble_s is 0.
  [[nodiscard]] virtual StepCost stage(const Plan& plan, const StageLayers& layers, const StepShape& step) const = 0;
  // Whether the machine has room for the plan's groups of ranks.
  [[nodiscard]] virtual bool room(const Plan& plan) const = 0;
  // What a prefill takes at least, however short: its launches.
  [[nodiscard]] virtual double launch_floor_s() const { return 0; }
  // What the time rests on, and its relative error (one standard deviation).
  [[nodiscard]] virtual Basis basis() const = 0;
  [[nodiscard]] virtual double relative_error() const = 0;
};

// From catalogue figures and published collectives: GPUs (published_step_model.cc). REQUIRES: machine outlives the
// result
[[nodiscard]] std::unique_ptr<const StepModel> make_published_step_model(const PublishedFigures& figures,
                                                                         const ModelShape& model,
                                                                         const MachineSpec& machine,
                                                                         const EngineSpec& engine,
                                                                         const Workload& workload);

// From kerf's own probe of the hosts it runs on, whose ranks share memory bandwidth and cores (host_step_model.cc).
// The engine's overheads are measured too; its own figures do not count. Ranks fill the hosts one after the other.
// threads: per rank; 0 = an even share of a host's cores. REQUIRES: machine.host.probed(); model and machine outlive
// the result
[[nodiscard]] std::unique_ptr<const StepModel> make_host_step_model(const ModelShape& model, const MachineSpec& machine,
                                                                    const EngineSpec& engine, int threads = 0);

}  // namespace kerf
