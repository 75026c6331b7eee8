// What the ranks of a job measure together: every collective by size and number of ranks, every pair of ranks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kerf/comm/world.h"
#include "kerf/spec/machine_spec.h"

namespace kerf {

struct CollectiveProbeOptions {
  double budget_s = 20;
  bool quick = false;  // fewer sizes, no pairs but neighbours
  bool tiny = false;   // tests: two small sizes, one round
  std::function<void(double done)> progress = [](double) {};
};

// A message from a to b: its latency, and the bandwidth of a large one.
struct PairFigures {
  int a = 0;
  int b = 0;
  double latency_us = 0;
  double gb_per_s = 0;
};

struct CollectiveFigures {
  std::vector<CollectiveCurve> collectives;
  std::vector<PairFigures> pairs;
  std::vector<std::string> hosts;  // [ranks] names
};

// Every rank of the world calls it; rank 0 gets the figures. Throws CommError as collectives do.
[[nodiscard]] CollectiveFigures probe_collectives(World& world, const CollectiveProbeOptions& options);

}  // namespace kerf
