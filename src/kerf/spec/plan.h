// Plan: who holds what. Plain data; mesh/ derives every shard from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kerf {

struct Plan {
  int tp = 1;       // tensor-parallel ranks per stage
  int pp = 1;       // pipeline stages
  int dp = 1;       // replicas
  int ep = 1;       // ranks that the experts of a layer are spread over; divides tp * dp
  bool sp = false;  // sequence parallelism: reduce-scatter + all-gather in place of each all-reduce

  int microbatches = 0;  // steps in flight per replica; 0 = one per stage

  std::vector<double> tp_weights;  // relative speed of the tp ranks; empty = equal
  std::vector<int64_t> pp_layers;  // layers per stage; empty = even

  // Ranks of one replica; rank = stage * tp + tp_rank.
  [[nodiscard]] int ranks() const { return tp * pp; }
};

}  // namespace kerf
