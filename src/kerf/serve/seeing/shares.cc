#include "kerf/serve/seeing/shares.h"

#include <numeric>

namespace kerf {

void ShareWindow::add(const ReplicaReport& report, double now_s) {
  const Point point{.at_s = now_s,
                    .compute_s = report.compute_s,
                    .comm_s = std::accumulate(report.comm_s.begin(), report.comm_s.end(), 0.0),
                    .idle_s = report.idle_s};
  if (points_.empty()) points_.push_back({.at_s = now_s, .compute_s = 0, .comm_s = 0, .idle_s = 0});
  if (points_.size() > 1 && now_s - points_[points_.size() - 2].at_s < kMinDistance) {
    points_.back() = point;
  } else {
    points_.push_back(point);
  }
  while (points_.size() > 2 && points_[1].at_s < now_s - kWindow) points_.pop_front();
}

TimeShares ShareWindow::shares() const {
  if (points_.size() < 2) return {};
  const Point& from = points_.front();
  const Point& to = points_.back();
  const double comm = to.comm_s - from.comm_s;
  const double idle = to.idle_s - from.idle_s;
  const double all = to.compute_s - from.compute_s + comm + idle;
  if (all <= 0) return {};
  return {.comm = comm / all, .bubble = idle / all};
}

}  // namespace kerf
