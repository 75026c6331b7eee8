// The Pareto front of latency against throughput: the points that no other point beats in both.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace kerf {

struct ParetoPoint {
  double latency = 0;     // less is better
  double throughput = 0;  // more is better
};

// Indices of the front, by ascending latency and so by ascending throughput. Of equal points the first stands for all.
[[nodiscard]] std::vector<size_t> pareto_front(std::span<const ParetoPoint> points);

}  // namespace kerf
