// TensorParallel: where the residual stream lives between the linears of a tp group.
//
// Without sequence parallelism it is Replicated: a row-parallel output is all-reduced. With it, the
// residual is Split over tokens: outputs are reduce-scattered, and gathered again before the next
// column-parallel linear. Same sums, same order, same bits.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/comm/communicator.h"
#include "kerf/mesh/partition.h"

namespace kerf {

class TensorParallel {
 public:
  TensorParallel(Communicator& group, bool sequence_parallel);

  [[nodiscard]] int rank() const { return group_.rank(); }
  [[nodiscard]] int size() const { return group_.size(); }
  [[nodiscard]] Communicator& group() const { return group_; }

  // Sums of partial results so far: all-reduces, or reduce-scatters with sequence parallelism.
  [[nodiscard]] int64_t reductions() const {
    return group_.stats()[CommOp::kAllReduce].calls + group_.stats()[CommOp::kReduceScatter].calls;
  }

  // The tokens whose residual this rank holds.
  [[nodiscard]] Range own_tokens(int64_t tokens) const;

  // Communicator::node_memory where that gives the residual's placement; null where reduce() is to be used.
  [[nodiscard]] float* node_memory(int64_t tokens, int64_t width, const ReductionTree& tree) {
    return sequence_parallel_ ? nullptr : group_.node_memory(tokens * width, tree);
  }

  // Partial → the residual's placement.
  //   nodes  // [tree.nodes(rank()), tokens, width] f32
  //   out    // [own_tokens, width] f32; may be nodes' first row when the residual is Replicated
  void reduce(const float* nodes, int64_t tokens, int64_t width, const ReductionTree& tree, float* out);

  // The residual's placement → Replicated. Returns `own` itself when it is Replicated already.
  //   own    // [own_tokens, width] f32
  //   whole  // [tokens, width] f32, used if needed
  [[nodiscard]] const float* gather(const float* own, int64_t tokens, int64_t width, float* whole);

 private:
  [[nodiscard]] std::vector<int64_t> element_bounds(int64_t tokens, int64_t width) const;

  Communicator& group_;
  bool sequence_parallel_;
};

}  // namespace kerf
