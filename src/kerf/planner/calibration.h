// Calibration: a handful of constants fitted to measurements, by least squares on the logarithms of errors.
//
// Levenberg and Marquardt's method with numeric derivatives (Marquardt 1963). Constants and predictions are positive
// and compared as ratios; each constant is held near its first value by a prior, so that few measurements move it
// little.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/planner/engine_spec.h"

namespace kerf {

struct Knob {
  std::string name;
  std::vector<double*> values;  // that share it; all are set
  double least = 0;             // > 0
  double most = 0;
};

struct FitOptions {
  double prior = 0.15;    // weight of ln(value / first value), beside the measurements' ln(predicted / measured)
  double outlier = 0.15;  // errors above count less (soft L1)
  int rounds = 20;
};

// residuals() is called with the knobs' values set, and returns ln(predicted / measured), weighted, always as many.
// Sets the knobs to the best values found; returns the mean of their squared residuals, outliers damped.
double fit(const std::vector<Knob>& knobs, const std::function<std::vector<double>()>& residuals,
           const FitOptions& options);

// The constants of an engine that are fitted, by their names in catalog/engines.json.
[[nodiscard]] Result<double*> engine_constant(EngineSpec& engine, const std::string& name);

}  // namespace kerf
