// How a replica's ranks spent the last seconds.
#pragma once

#include <deque>

#include "kerf/serve/seeing/observations.h"

namespace kerf {

struct TimeShares {
  double comm = 0;    // of the ranks' time, in collectives and hand-offs, waiting included
  double bubble = 0;  // without a step while the replica had work
};

// Keeps a replica's last reports. Nothing computed lately: no shares, both 0.
class ShareWindow {
 public:
  void add(const ReplicaReport& report, double now_s);
  void clear() { points_.clear(); }
  [[nodiscard]] TimeShares shares() const;

 private:
  static constexpr double kWindow = 15;         // seconds: what Prometheus scrapes by default, or less
  static constexpr double kMinDistance = 0.25;  // seconds between points, so that memory is bounded
  struct Point {
    double at_s, compute_s, comm_s, idle_s;
  };
  std::deque<Point> points_;  // oldest first; the first two may lie before the window
};

}  // namespace kerf
