#include "kerf/planner/pareto.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace kerf {

std::vector<size_t> pareto_front(std::span<const ParetoPoint> points) {
  std::vector<size_t> order(points.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    if (points[a].latency != points[b].latency) return points[a].latency < points[b].latency;
    return points[a].throughput > points[b].throughput;
  });
  std::vector<size_t> front;
  double best = -std::numeric_limits<double>::infinity();
  for (const size_t i : order) {
    if (points[i].throughput <= best) continue;
    best = points[i].throughput;
    front.push_back(i);
  }
  return front;
}

}  // namespace kerf
