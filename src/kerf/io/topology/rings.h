// Rings over a few nodes of a graph.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace kerf {

// A cycle through all of 0 … size-1 that uses allowed edges only, in order and beginning with 0; empty when there is
// none, or none was found in `steps` steps of a depth-first search. A cycle of two goes there and back over one edge.
// REQUIRES: size ≥ 2, allowed is symmetric
[[nodiscard]] std::vector<size_t> find_ring(size_t size, const std::function<bool(size_t, size_t)>& allowed,
                                            int steps = 200'000);

}  // namespace kerf
