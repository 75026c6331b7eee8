// Which constants are fitted, and within what bounds they make physical sense.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bench/planner/evaluation.h"
#include "kerf/planner/calibration.h"

namespace kerf::bench {

// How devices fare: one knob per figure of each architecture that `points` contain.
[[nodiscard]] std::vector<Knob> efficiency_knobs(Constants& constants, const std::vector<const Point*>& points);

// How engines fare, one value for all of them.
[[nodiscard]] std::vector<Knob> shared_engine_knobs(Constants& constants, const std::vector<const Point*>& points);

// One engine's own constants, as far as its points tell of them.
[[nodiscard]] std::vector<Knob> engine_knobs(Constants& constants, const std::string& engine,
                                             const std::vector<const Point*>& points);

// A few of one engine's: what calibration on few measurements can tell apart.
[[nodiscard]] std::vector<Knob> few_engine_knobs(Constants& constants, const std::string& engine,
                                                 const std::vector<const Point*>& points);

// Fits the knobs to the points.
double fit_points(const Evaluator& evaluator, const std::vector<const Point*>& points, Constants& constants,
                  const std::vector<Knob>& knobs, const FitOptions& options);

}  // namespace kerf::bench
