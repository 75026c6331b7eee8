// Predictions beside published measurements.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/planner/points.h"
#include "kerf/base/result.h"
#include "kerf/planner/cost.h"
#include "kerf/planner/engine_spec.h"
#include "kerf/planner/published_figures.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"

namespace kerf::bench {

// What the predictions rest on; calibration changes a copy.
struct Constants {
  PublishedFigures figures;
  std::map<std::string, EngineSpec> engines;
};

// The catalogue's, for all engines of the points.
[[nodiscard]] Result<Constants> catalogue_constants(const std::vector<Point>& points);

// The same with every engine's fitted constants replaced by those of `generic`: one set for all. What engines document
// (collectives, memory, defaults) stays theirs.
[[nodiscard]] Constants with_one_engine(const Constants& constants, const EngineSpec& generic);

struct Scored {
  const Point* point = nullptr;
  double predicted = 0;
  // predicted / measured − 1
  [[nodiscard]] double error() const { return predicted / point->measured - 1; }
};

class Evaluator {
 public:
  // Reads models and machines that the points name.
  static Result<Evaluator> make(const std::vector<Point>& points);

  [[nodiscard]] Prediction predict(const Point& point, const Constants& constants) const;
  // In the metric's unit; 0 when the plan doesn't fit (kFits: 0 or 1).
  [[nodiscard]] double value(const Point& point, const Constants& constants) const;
  // The points that count, kFits left out. Where a plan is predicted not to fit, the prediction is what it would be.
  [[nodiscard]] std::vector<Scored> score(const std::vector<const Point*>& points, const Constants& constants) const;

 private:
  std::map<std::string, ModelShape> models_;
  std::map<std::string, MachineSpec> machines_;
};

struct Summary {
  int count = 0;
  double mean = 0;  // of the absolute errors
  double median = 0;
  double p90 = 0;
};
[[nodiscard]] Summary summarise(std::vector<double> absolute_errors);

struct Choice {
  std::string group;
  double regret = 0;  // of the chosen cut's measured result against the best one's
  std::string chosen;
  std::string best;
};
// One choice per group with two cuts at least.
[[nodiscard]] std::vector<Choice> choices(const std::vector<Scored>& scored);

[[nodiscard]] std::string shown_cut(const Point& point);

}  // namespace kerf::bench
