// What the fullest tensor-parallel rank of a plan holds of things that come in whole units.
#pragma once

#include <cstdint>
#include <utility>

#include "kerf/planner/engine_spec.h"
#include "kerf/spec/plan.h"

namespace kerf {

class Shares {
 public:
  // engine.any_tp: kerf's own cut into canonical slices (spec/reduction.h). REQUIRES: plan.tp >= 1
  Shares(const Plan& plan, const EngineSpec& engine);

  // The most of `units` that one rank holds; at least 1 where there are any.
  [[nodiscard]] int64_t most(int64_t units) const;
  // The same as a part of all of them.
  [[nodiscard]] double fraction(int64_t units) const;
  // The most key-value heads that the query heads of one rank read. REQUIRES: kv_heads divides heads
  [[nodiscard]] int64_t kv_heads(int64_t heads, int64_t kv_heads) const;

 private:
  // [begin, end) of a rank under equal weights.
  [[nodiscard]] std::pair<int64_t, int64_t> range(int64_t units, int64_t rank) const;

  int64_t tp_;
  double largest_;  // share of the fastest rank
  bool equal_;
  bool slices_;
};

}  // namespace kerf
