#include "kerf/comm/merge.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kerf/base/check.h"

namespace kerf {

namespace {

// A deeper stack than any tree of kMaxSlices leaves needs.
constexpr int kMaxDepth = kMaxSlices + 1;

// Elements per block: the sums on the stack, 2 KB each and at most log2(kMaxSlices) of them at a
// time in a complete tree, stay in a 32 KB L1 cache.
constexpr int64_t kBlock = 512;

// One addition per element is the same bits at every vector width. Sanitizers cannot instrument the
// function that chooses between the clones, since it runs before they start.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#endif
void add(const float* a, const float* b, float* sum, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) sum[i] = a[i] + b[i];
}

// The items are read where they lie; a sum goes to the buffer of its place on the stack, except
// the last one of a program with one result, which goes to the result itself.
void merge_block(const MergeProgram& program, std::span<const float* const> items, int64_t begin, int64_t n,
                 std::span<float* const> results) {
  alignas(64) std::array<std::array<float, kBlock>, kMaxDepth> sums;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<const float*, kMaxDepth> stack{};
  size_t depth = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    stack[depth++] = items[i] + begin;
    for (int m = 0; m < program.merges[i]; ++m) {
      --depth;
      const bool last = depth == 1 && program.results == 1 && i + 1 == items.size();
      float* sum = last ? results[0] + begin : sums[depth - 1].data();
      add(stack[depth - 1], stack[depth], sum, n);
      stack[depth - 1] = sum;
    }
  }
  for (size_t r = 0; r < depth; ++r) {
    float* result = results[r] + begin;
    if (stack[r] != result) std::memcpy(result, stack[r], static_cast<size_t>(n) * sizeof(float));
  }
}

}  // namespace

void merge(const MergeProgram& program, std::span<const float* const> items, int64_t n,
           std::span<float* const> results) {
  KERF_CHECK(items.size() == program.merges.size() && results.size() == static_cast<size_t>(program.results));
  KERF_CHECK(program.depth <= kMaxDepth);
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    merge_block(program, items, begin, std::min(kBlock, n - begin), results);
  }
}

}  // namespace kerf
