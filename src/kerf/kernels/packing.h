// How weights and activations lie in memory for the matmul. Every table reads the same layout, so
// packing stands here once.
//
// Packed weights: panels of kPanel outputs, one after the other; the last one is padded with zeros.
// A panel holds its slices in order; a slice holds its k in order; a k holds its kPanel outputs:
//   kF32, kF16  [panel][slice][k][kPanel]
//   kBF16       [panel][slice][k / 2][kPanel][2]; a slice of odd length ends with a zero
//   kInt8       [panel][slice][group] PackedInt8; a slice's last group is filled up with zeros
//   kInt4       [panel][slice][group] PackedInt4; likewise
//
// Prepared activations: rows of prepared_row_bytes() each, so a caller may split them anywhere:
//   kF32, kF16  [row][k] f32
//   kBF16       [row][slice][k] bf16; a slice of odd length ends with a zero
//   kInt8/4     [row][slice][group] PreparedGroup
//
// bf16 subnormals are stored as zeros of the same sign, as the bf16 dot instruction takes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"

namespace kerf {

// Four consecutive k are one operand of the integer dot.
inline constexpr int64_t kQuad = 4;
inline constexpr int64_t kQuadsPerGroup = kGroup / kQuad;

// A group of a panel's outputs. An integer q is stored as q + kZero: the dot takes it unsigned.
struct PackedInt8 {
  static constexpr int32_t kZero = 128;
  uint8_t quads[kQuadsPerGroup][kPanel][kQuad];
  BFloat16 scales[kPanel];
};
struct PackedInt4 {
  static constexpr int32_t kZero = 8;
  // Quad i in the low halves of the bytes, quad i + 4 in the high ones.
  uint8_t quads[kQuadsPerGroup / 2][kPanel][kQuad];
  BFloat16 scales[kPanel];
};
static_assert(sizeof(PackedInt8) == 17 * 64 && sizeof(PackedInt4) == 9 * 64);  // 8.5 and 4.5 bits a weight

// A group of one row of x.
struct PreparedGroup {
  int8_t quads[kQuadsPerGroup][kQuad];
  float scale;
  int32_t bias;  // -kZero times the sum of the quads: what the weights' offset adds to a dot
};

// k of one row or output as stored: padded slices.
[[nodiscard]] int64_t stored_k(WeightFormat format, const KSlices& slices);

[[nodiscard]] size_t panel_bytes(WeightFormat format, const KSlices& slices);

// An odd number of cache lines: rows of a tile that lie a multiple of 4 KiB apart would fall into
// one set of the L1 cache.
[[nodiscard]] size_t prepared_row_bytes(WeightFormat format, const KSlices& slices);

// MatmulKernel's entries of the same names; pack() for kF32, kF16 and kBF16, the others for every format.
template <WeightFormat kFormat>
[[nodiscard]] size_t packed_bytes(int64_t n, const KSlices& slices);
template <WeightFormat kFormat>
[[nodiscard]] size_t prepared_bytes(int64_t m, const KSlices& slices);
template <WeightFormat kFormat>
void pack(const PackArgs& args);

}  // namespace kerf
