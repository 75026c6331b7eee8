// Helpers of the kernel tests: random data, comparison of bits, a matmul from plain row-major floats.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kerf/kernels/element.h"
#include "kerf/kernels/kernels.h"

namespace kerf {

using Floats = std::vector<float>;

inline Floats random_floats(int64_t n, std::mt19937& rng, float spread = 1.0F) {
  std::normal_distribution<float> normal(0.0F, spread);
  Floats values(static_cast<size_t>(n));
  for (float& value : values) value = normal(rng);
  return values;
}

// Any bit pattern: infinities, NaNs, subnormals, and every exponent equally likely.
inline Floats wild_floats(int64_t n, std::mt19937& rng) {
  Floats values(static_cast<size_t>(n));
  for (float& value : values) value = std::bit_cast<float>(static_cast<uint32_t>(rng()));
  return values;
}

// Equal bits, except that any NaN equals any other: which operand's payload survives an addition is
// the compiler's choice.
[[nodiscard]] inline testing::AssertionResult same_bits(const Floats& actual, const Floats& expected) {
  if (actual.size() != expected.size()) return testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i]) && std::isnan(expected[i])) continue;
    if (std::bit_cast<uint32_t>(actual[i]) != std::bit_cast<uint32_t>(expected[i])) {
      return testing::AssertionFailure() << "element " << i << " of " << actual.size() << ": " << std::hexfloat
                                         << actual[i] << ", expected " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

inline constexpr WeightFormat kFloatFormats[] = {WeightFormat::kF32, WeightFormat::kF16, WeightFormat::kBF16};
inline constexpr WeightFormat kIntFormats[] = {WeightFormat::kInt8, WeightFormat::kInt4};
inline constexpr WeightFormat kFormats[] = {WeightFormat::kF32, WeightFormat::kF16, WeightFormat::kBF16,
                                            WeightFormat::kInt8, WeightFormat::kInt4};

[[nodiscard]] inline const MatmulKernel& entry(const Kernels& table, WeightFormat format) {
  return table.matmul[static_cast<int>(format)];
}

// Owns what a KSlices refers to.
struct Slices {
  std::vector<int64_t> bounds;
  std::vector<uint8_t> merges;
  int results = 1;
  int depth = 1;
  [[nodiscard]] KSlices view() const { return {bounds, merges, results, depth}; }
};

[[nodiscard]] inline Slices one_slice(int64_t k) { return {{0, k}, {0}, 1, 1}; }

// x [m, k] times weight [n, k] transposed; [results, m, n].
[[nodiscard]] inline Floats multiply(const Kernels& table, WeightFormat format, const Floats& x, const Floats& weight,
                                     const Slices& slices) {
  const MatmulKernel& kernel = entry(table, format);
  const int64_t k = slices.bounds.back();
  const int64_t m = static_cast<int64_t>(x.size()) / k;
  const int64_t n = static_cast<int64_t>(weight.size()) / k;
  std::vector<std::byte> packed(kernel.packed_bytes(n, slices.view()));
  kernel.pack({weight.data(), DType::kF32, k, n, slices.view(), 0, packed.data()});
  std::vector<std::byte> prepared(kernel.prepared_bytes(m, slices.view()));
  kernel.prepare(x.data(), k, m, slices.view(), prepared.data());
  Floats out(static_cast<size_t>(slices.results * m * n), -1.0F);
  kernel.matmul({prepared.data(), m, packed.data(), n, slices.view(), out.data(), m * n, n, 0, panels(n)});
  return out;
}

}  // namespace kerf
