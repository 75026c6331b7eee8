// The kernel table: every loop over floats that decides kerf's speed or its bits.
//
// One table per instruction set, chosen once at start (the best that the CPU has, or KERF_ISA=scalar,
// avx2, avx512). Every entry has a scalar twin, and all tables give the same bits (but for a NaN's
// payload). Sums run in an order that each entry states here; it knows neither the number of rows
// computed together, nor threads, nor the cut. fma() is one rounding, everything else rounds after
// each operation.
//
// Raw pointers and sizes: a device backend is another table. Threading: every entry is reentrant;
// callers split work over disjoint outputs. REQUIRES the floating-point environment that a C++
// program starts with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kerf/spec/dtype.h"

namespace kerf {

// How a weight matrix is kept in memory, packed for the matmul. kInt8 and kInt4 are quantised while packing.
enum class WeightFormat : uint8_t { kF32, kF16, kBF16, kInt8, kInt4 };
inline constexpr int kWeightFormats = 5;

// Elements along K that share a scale in kInt8 and kInt4, of a weight and of x: llama.cpp's Q8_0 and Q4_0 have
// the same. Groups are counted from the start of a slice; the last one of a slice may be shorter.
inline constexpr int64_t kGroup = 32;

// Outputs that a packed panel interleaves; a unit of work of the matmul.
inline constexpr int64_t kPanel = 32;
[[nodiscard]] constexpr int64_t panels(int64_t n) { return (n + kPanel - 1) / kPanel; }

// Positions in a block of the KV cache, and in the unit that attention merges.
inline constexpr int64_t kBlock = 64;

// The inner dimension K of a matmul, cut into slices [bounds[i], bounds[i + 1]), each accumulated
// by itself and then summed as the merge program says (spec/reduction.h). A column-parallel or
// uncut matrix has one slice and merges {0}. REQUIRES: count() <= kMaxSlices.
struct KSlices {
  std::span<const int64_t> bounds;
  std::span<const uint8_t> merges;
  int results = 1;  // sums left after the merges
  int depth = 1;    // most sums alive at once, as MergeProgram has it
  [[nodiscard]] int count() const { return static_cast<int>(merges.size()); }
  [[nodiscard]] int64_t k() const { return bounds.back(); }
};

struct PackArgs {
  const void* rows;  // [n, k] row-major of `dtype`, output-major as in checkpoints
  DType dtype;
  int64_t row_stride;  // elements from one row to the next
  int64_t n;
  KSlices slices;
  int64_t first_row;  // where row 0 goes in the packed matrix
  std::byte* packed;  // zeroed before the first call
};

struct MatmulArgs {
  const std::byte* x;  // [m, k] as prepare() wrote it
  int64_t m;
  const std::byte* packed;  // weights [n, k]
  int64_t n;
  KSlices slices;
  float* out;  // [results, m, n] f32; node_stride and row_stride in elements
  int64_t node_stride;
  int64_t row_stride;
  int64_t first_panel;  // computes outputs of the panels [first_panel, last_panel) only
  int64_t last_panel;
};

// out[row, col] = sum over k of x[row, k] * weight[col, k].
//
// Order: within a slice acc = fma(x[k], w[k], acc) from acc = 0 in order of k. kBF16 does as the
// processors' bf16 dot: k counts from the slice's start; of each pair the odd k comes first, then the
// even one; subnormals are zeros, in x, w and after each fma. Slices are merged in f32.
// kF32: x and w are f32. kF16: x is f32, w is f16 widened. kBF16: x is rounded to bf16.
//
// kInt8, kInt4: x is quantised by token and group: scale = max |x| / 127, q = x * (127 / max |x|) to nearest even; a
// group below 2^-100 is zeros, one with an infinity or a NaN gives NaN. Within a group the integers are multiplied and
// summed exactly; per group, in order, acc = fma(sum * w's scale, x's scale, acc). Weights are
// w's scale (bf16) times an integer: kInt8 -127 ... 127, kInt4 -8 ... 7 (kernels/quantise.inc.h).
// Rows of prepared x are prepared_bytes(1) apart, so any run of them may be computed alone.
struct MatmulKernel {
  size_t (*packed_bytes)(int64_t n, const KSlices& slices);
  void (*pack)(const PackArgs& args);
  size_t (*prepared_bytes)(int64_t m, const KSlices& slices);
  // x  // [m, k] f32, row_stride in elements
  void (*prepare)(const float* x, int64_t row_stride, int64_t m, const KSlices& slices, std::byte* prepared);
  void (*matmul)(const MatmulArgs& args);
};

// What one KV head's keys, or its values, take in a block. kI8 has behind its integers [kBlock] f32: one scale for each
// position. kv_dtype is kF32, kF16, kBF16 or kI8 wherever it occurs.
[[nodiscard]] constexpr int64_t kv_head_bytes(int64_t head_dim, DType kv_dtype) {
  const auto scale = static_cast<int64_t>(kv_dtype == DType::kI8 ? sizeof(float) : 0);
  return kBlock * (head_dim * static_cast<int64_t>(size_of(kv_dtype)) + scale);
}

// Attention of consecutive tokens of one sequence over one KV head, for the query heads that share it.
//
// The cache is walked in blocks of kBlock positions, left to right; block b holds positions
// [b * kBlock, (b + 1) * kBlock). For each token and head, per block: score = dot(q, k) in order of head_dim with fma,
// times scale, soft cap; m_b = max over the visible positions; p = exp(score - m_b), 0 where invisible; l_b = sum of
// p as lanes (p[s] + p[s + 16]) + (p[s + 32] + p[s + 48]), then the 16 lanes by halves (rms_norm);
// o_b = sum of p * v with fma over the visible positions in order. Blocks merge left to right, from
// m = -inf, l = 0, o = 0: m' = max(m, m_b), l = fma(l, exp(m - m'), l_b * exp(m_b - m')), o alike. out = o / l.
// Blocks without a visible position are left out. What invisible slots of the cache hold does not matter.
// Of an int8 cache k and v are the integers: score = dot * k's scale * scale, and o_b = sum of (p * v's scale) * v.
struct AttentionArgs {
  const float* q;  // [tokens, heads, head_dim] f32, already rotated; tokens are q_stride elements apart
  int64_t q_stride;
  int64_t tokens;
  int64_t heads;  // query heads that share the KV head
  int64_t head_dim;
  const std::byte* k;     // this KV head's part of block 0: [head_dim, kBlock] of kv_dtype, then int8's scales
  const std::byte* v;     // this KV head's part of block 0: [kBlock, head_dim], then int8's scales
  int64_t block_stride;   // bytes from one block of the cache to the next, for k and for v
  const int32_t* blocks;  // the sequence's block table: position p is in cache block blocks[p / kBlock]
  DType kv_dtype;
  int64_t position;  // of the first token; the others follow
  int64_t window;    // a token sees its own position and the window - 1 before it; 0 = all before it
  float scale;
  float softcap;  // 0 = none
  float* out;     // [tokens, heads, head_dim] f32; tokens are out_stride elements apart
  int64_t out_stride;
};

struct Kernels {
  std::string_view isa;

  MatmulKernel matmul[kWeightFormats];
  void (*attention)(const AttentionArgs& args);
  // The same in two parts, so that threads may share one token's blocks. What block b gives: o_b, then every m_b, then
  // every l_b. Then `count` of them, for blocks that follow each other from the first that is visible, merged to out.
  //   shares  // [count, heads * (head_dim + 2)] f32
  // REQUIRES: tokens == 1; in the block is a visible position
  void (*attention_block)(const AttentionArgs& args, int64_t block, float* share);
  void (*attention_merge)(const AttentionArgs& args, const float* shares, int64_t count);

  // Writes one token's key / value of one KV head into its block, rounding to dtype. kI8: scale = max |x| / 127 over
  // the head, q = x * (127 / max |x|) to nearest even; a head below 2^-100 is zeros, one with an infinity or a NaN has
  // a NaN for its scale.
  //   key, value  // [head_dim] f32;  slot = position % kBlock
  void (*store_key)(const float* key, int64_t head_dim, DType dtype, std::byte* block, int64_t slot);
  void (*store_value)(const float* value, int64_t head_dim, DType dtype, std::byte* block, int64_t slot);

  // out[i] = x[i] * (1 / sqrt(mean(x²) + eps)) * weight[i]. The squares are summed with fma into 16 lanes (lane =
  // i % 16), the lanes by halves: (l, l + 8), (l, l + 4), (l, l + 2), (l, l + 1). out may be x.
  void (*rms_norm)(const float* x, const float* weight, float eps, int64_t n, float* out);

  // Rotates one head in place, "rotate half": pairs (i, i + head_dim / 2).
  //   cos, sin  // [head_dim / 2] f32
  void (*rope)(float* head, const float* cos, const float* sin, int64_t head_dim);

  // Lane by lane; silu_mul's and gelu_tanh_mul's out may be gate or up.
  void (*add)(float* x, const float* y, int64_t n);                                  // x += y
  void (*scale)(float* x, float factor, int64_t n);                                  // x *= factor
  void (*softcap)(float* x, float cap, int64_t n);                                   // x = cap * tanh(x / cap)
  void (*silu_mul)(const float* gate, const float* up, float* out, int64_t n);       // silu(gate) * up
  void (*gelu_tanh_mul)(const float* gate, const float* up, float* out, int64_t n);  // gelu_tanh(gate) * up
  void (*widen)(const void* x, DType dtype, int64_t n, float* out);                  // to f32; x aligned to dtype
};

// Tables that this build and this CPU have, best first; the last is "scalar".
[[nodiscard]] std::span<const Kernels* const> available_kernels();

// The table in use: chosen at the first call. A KERF_ISA that names no available table ends the
// process with a sentence and exit 2.
[[nodiscard]] const Kernels& kernels();

}  // namespace kerf
