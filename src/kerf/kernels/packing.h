// How weights and activations lie in memory for the matmul. Every table reads the same layout, so
// packing stands here once.
//
// Packed weights: panels of kPanel outputs, one after the other; the last one is padded with zeros.
// A panel holds its slices in order; a slice holds its k in order; a k holds its kPanel outputs:
//   kF32, kF16  [panel][slice][k][kPanel]
//   kBF16       [panel][slice][k / 2][kPanel][2]; a slice of odd length ends with a zero
//
// Prepared activations: rows of prepared_row_bytes() each, so a caller may split them anywhere:
//   kF32, kF16  [row][k] f32
//   kBF16       [row][slice][k] bf16; a slice of odd length ends with a zero
//
// bf16 subnormals are stored as zeros of the same sign, as the bf16 dot instruction takes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kerf/kernels/kernels.h"

namespace kerf {

// k of one row or output as stored: padded slices.
[[nodiscard]] int64_t stored_k(WeightFormat format, const KSlices& slices);

[[nodiscard]] size_t panel_bytes(WeightFormat format, const KSlices& slices);

// An odd number of cache lines: rows of a tile that lie a multiple of 4 KiB apart would fall into
// one set of the L1 cache.
[[nodiscard]] size_t prepared_row_bytes(WeightFormat format, const KSlices& slices);

// MatmulKernel's entries of the same names; defined for every format.
template <WeightFormat kFormat>
[[nodiscard]] size_t packed_bytes(int64_t n, const KSlices& slices);
template <WeightFormat kFormat>
[[nodiscard]] size_t prepared_bytes(int64_t m, const KSlices& slices);
template <WeightFormat kFormat>
void pack(const PackArgs& args);

}  // namespace kerf
