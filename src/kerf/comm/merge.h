// Evaluates a MergeProgram over vectors, elementwise. Every communicator sums through this one
// function, so all of them give the same bits.
#pragma once

#include <cstdint>
#include <span>

#include "kerf/spec/reduction.h"

namespace kerf {

// Threading: pure.
//   items    // program.merges.size() pointers to [n] f32, left to right
//   results  // program.results pointers to [n] f32; results[i] may be items[i], else no overlap
void merge(const MergeProgram& program, std::span<const float* const> items, int64_t n,
           std::span<float* const> results);

}  // namespace kerf
