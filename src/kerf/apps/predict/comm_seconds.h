// CommSeconds: rank 0's seconds in collectives and hand-offs, by operation, since some start.
#pragma once

#include <array>
#include <numeric>

#include "kerf/comm/communicator.h"

namespace kerf {

struct CommSeconds {
  std::array<double, kCommOps> by_op{};
  double& operator[](CommOp op) { return by_op[static_cast<size_t>(op)]; }
  const double& operator[](CommOp op) const { return by_op[static_cast<size_t>(op)]; }
  [[nodiscard]] double total() const { return std::accumulate(by_op.begin(), by_op.end(), 0.0); }
  // Waiting for what the last stage sends back is no communication but a pipeline's latency.
  static CommSeconds of(const CommStats& stats) {
    CommSeconds seconds;
    for (size_t op = 0; op < seconds.by_op.size(); ++op) seconds.by_op[op] = stats.by_op[op].seconds;
    seconds[CommOp::kRecv] = 0;
    return seconds;
  }
  // What came after `before`.
  [[nodiscard]] CommSeconds since(const CommSeconds& before) const {
    CommSeconds difference;
    for (size_t op = 0; op < by_op.size(); ++op) difference.by_op[op] = by_op[op] - before.by_op[op];
    return difference;
  }
};

}  // namespace kerf
