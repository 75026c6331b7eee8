// Fits and tests over all points: what planner_accuracy prints and tests assert.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/planner/evaluation.h"

namespace kerf::bench {

struct FitSettings {
  double prior = 0.15;
  double engine_prior = 0.15;
  int rounds = 15;
  bool strict = false;  // held_out: from nominal values, which no point has touched
};

// First the devices' and shared engine constants on all points, then each engine's own.
[[nodiscard]] Constants fit_all(const Evaluator& evaluator, const std::vector<const Point*>& points,
                                const Constants& first, const FitSettings& settings);

struct HeldOut {
  int training = 0;
  std::vector<Scored> tested;
};

// The (model, GPU) pairs fall into two halves that share engines and kinds of arithmetic as far as they can. A few
// constants per engine are fitted on one half alone and tested on the other. They start from the catalogue's "generic"
// engine and its efficiencies, which were fitted to all points; strict: from nominal values, and those of the devices
// are fitted on the half too. half: 0 or 1.
[[nodiscard]] HeldOut held_out(const Evaluator& evaluator, const std::vector<const Point*>& points,
                               const Constants& constants, int half, const FitSettings& settings);

// The catalogue's constants for an engine that nobody measured.
[[nodiscard]] Result<EngineSpec> find_generic();

// Round figures of before any fit: what held_out() begins with.
void set_nominal(Constants& constants);

struct MemoryVerdicts {
  int all = 0;
  int right = 0;
  int out_of_memory = 0;
  int rejected = 0;  // of these
};
// FasterTransformer's: which cuts ran, and which ran out of memory.
[[nodiscard]] MemoryVerdicts memory_verdicts(const Evaluator& evaluator, const std::vector<const Point*>& points,
                                             const Constants& constants);

[[nodiscard]] nlohmann::json to_json(const Constants& constants);

}  // namespace kerf::bench
