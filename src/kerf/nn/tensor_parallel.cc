#include "kerf/nn/tensor_parallel.h"

namespace kerf {

TensorParallel::TensorParallel(Communicator& group, bool sequence_parallel)
    : group_(group), sequence_parallel_(sequence_parallel) {}

std::vector<int64_t> TensorParallel::element_bounds(int64_t tokens, int64_t width) const {
  std::vector<int64_t> bounds = even_bounds(tokens, size());
  for (int64_t& bound : bounds) bound *= width;
  return bounds;
}

Range TensorParallel::own_tokens(int64_t tokens) const {
  if (!sequence_parallel_) return {0, tokens};
  const std::vector<int64_t> bounds = element_bounds(tokens, 1);
  return {bounds[static_cast<size_t>(rank())], bounds[static_cast<size_t>(rank()) + 1]};
}

void TensorParallel::reduce(const float* nodes, int64_t tokens, int64_t width, const ReductionTree& tree, float* out) {
  const ConstTensor partial(nodes, {tree.nodes(rank()), tokens * width});
  if (sequence_parallel_) {
    const Tensor own(out, {own_tokens(tokens).size() * width});
    group_.reduce_scatter_sum(partial, own, tree, element_bounds(tokens, width));
  } else {
    group_.all_reduce_sum(partial, Tensor(out, {tokens * width}), tree);
  }
}

const float* TensorParallel::gather(const float* own, int64_t tokens, int64_t width, float* whole) {
  if (!sequence_parallel_) return own;
  group_.all_gather(ConstTensor(own, {own_tokens(tokens).size() * width}), Tensor(whole, {tokens * width}),
                    element_bounds(tokens, width));
  return whole;
}

}  // namespace kerf
