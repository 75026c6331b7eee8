// What one process measures of a host: memory, matmul, attention, the small operations, files.
#pragma once

#include <functional>
#include <string>

#include "kerf/spec/machine_spec.h"

namespace kerf {

struct ComputeProbeOptions {
  double budget_s = 45;
  bool quick = false;  // fewer points
  bool tiny = false;   // tests: sizes that take milliseconds, figures that mean nothing
  int cores = 0;       // threads to measure up to; 0 = those this process may use
  std::function<void(double done)> progress = [](double) {};
};

// As the operating system names it.
[[nodiscard]] std::string cpu_name();

// Fills all of HostFigures but the collectives. The spread is that of the read bandwidth.
[[nodiscard]] HostFigures probe_compute(const ComputeProbeOptions& options);

}  // namespace kerf
