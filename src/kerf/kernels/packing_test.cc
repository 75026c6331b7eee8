#include "kerf/kernels/packing.h"

#include <gtest/gtest.h>

#include "kerf/kernels/test_support.h"

namespace kerf {
namespace {

// Reads one weight back from the documented layout.
float unpacked(WeightFormat format, const std::vector<std::byte>& packed, const Slices& slices, int64_t row,
               int64_t k) {
  int64_t stored = 0;
  for (size_t s = 0; s + 1 < slices.bounds.size(); ++s) {
    const int64_t length = slices.bounds[s + 1] - slices.bounds[s];
    if (k < slices.bounds[s + 1]) {
      stored += k - slices.bounds[s];
      break;
    }
    stored += format == WeightFormat::kBF16 ? (length + 1) / 2 * 2 : length;
  }
  const std::byte* panel = packed.data() + static_cast<size_t>(row / kPanel) * panel_bytes(format, slices.view());
  const int64_t lane = row % kPanel;
  float f32 = 0;
  Half half{};
  BFloat16 bf16{};
  switch (format) {
    case WeightFormat::kF32: std::memcpy(&f32, panel + (stored * kPanel + lane) * 4, 4); return f32;
    case WeightFormat::kF16: std::memcpy(&half, panel + (stored * kPanel + lane) * 2, 2); return widen(half);
    case WeightFormat::kBF16:
      std::memcpy(&bf16, panel + (stored / 2 * 2 * kPanel + lane * 2 + stored % 2) * 2, 2);
      return widen(bf16);
    case WeightFormat::kInt8:
    case WeightFormat::kInt4: break;  // quantise_test.cc
  }
  return 0;
}

float expected(WeightFormat format, float x) {
  if (format == WeightFormat::kF16) return widen(to_half(x));
  if (format == WeightFormat::kF32) return x;
  const float rounded = widen(to_bf16(x));
  return std::abs(rounded) < 0x1p-126F ? std::copysign(0.0F, rounded) : rounded;
}

constexpr int64_t kRows = 75;
constexpr int64_t kInner = 150;
const Slices kOddSlices = {{0, 1, 70, 135, 150}, {0, 1, 0, 2}, 1, 3};

TEST(Packing, PutsEveryWeightWhereTheLayoutSays) {
  std::mt19937 rng(1);
  Floats weight = wild_floats(kRows * kInner, rng);
  const KSlices slices = kOddSlices.view();
  for (const WeightFormat format : kFloatFormats) {
    const MatmulKernel& kernel = entry(kernels(), format);
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
      std::vector<uint16_t> narrow(weight.size());
      Floats source = weight;
      for (size_t i = 0; i < weight.size(); ++i) {
        if (dtype == DType::kF16) narrow[i] = to_half(weight[i]).bits, source[i] = widen(Half{narrow[i]});
        if (dtype == DType::kBF16) narrow[i] = to_bf16(weight[i]).bits, source[i] = widen(BFloat16{narrow[i]});
      }
      const void* rows = dtype == DType::kF32 ? static_cast<const void*>(source.data()) : narrow.data();
      std::vector<std::byte> packed(kernel.packed_bytes(kRows, slices));
      kernel.pack({rows, dtype, kInner, kRows, slices, 0, packed.data()});
      for (int64_t i = 0; i < kRows * kInner; ++i) {
        const float value = unpacked(format, packed, kOddSlices, i / kInner, i % kInner);
        ASSERT_TRUE(same_bits({value}, {expected(format, source[static_cast<size_t>(i)])}))
            << "format " << static_cast<int>(format) << " from " << name_of(dtype) << " element " << i;
      }
    }
  }
}

// As q, k and v are stacked, and as a rank takes some columns of a row-parallel matrix.
TEST(Packing, StacksTensorsAndTakesColumns) {
  std::mt19937 rng(2);
  const Floats weight = random_floats(kRows * kInner, rng);
  const Slices part = {{0, 3, 20}, {0, 1}, 1, 2};
  for (const WeightFormat format : kFormats) {
    const MatmulKernel& kernel = entry(kernels(), format);
    std::vector<std::byte> whole(kernel.packed_bytes(kRows, part.view()));
    kernel.pack({weight.data() + 40, DType::kF32, kInner, kRows, part.view(), 0, whole.data()});
    std::vector<std::byte> stacked(whole.size());
    int64_t row = 0;
    for (const int64_t n : {5, 38, 32}) {
      kernel.pack({weight.data() + row * kInner + 40, DType::kF32, kInner, n, part.view(), row, stacked.data()});
      row += n;
    }
    EXPECT_EQ(stacked, whole);
    if (format == WeightFormat::kInt8 || format == WeightFormat::kInt4) continue;
    EXPECT_TRUE(same_bits({unpacked(format, whole, part, 74, 19)}, {expected(format, weight[74 * kInner + 59])}));
  }
}

TEST(Packing, EveryIsaPreparesTheSameBytes) {
  std::mt19937 rng(3);
  const Floats x = wild_floats(7 * kInner, rng);
  for (const WeightFormat format : kFormats) {
    const auto prepare = [&](const Kernels& table) {
      std::vector<std::byte> prepared(entry(table, format).prepared_bytes(7, kOddSlices.view()));
      entry(table, format).prepare(x.data(), kInner, 7, kOddSlices.view(), prepared.data());
      return prepared;
    };
    for (const Kernels* table : available_kernels()) {
      EXPECT_EQ(prepare(*table), prepare(*available_kernels().back())) << table->isa;
      EXPECT_EQ(entry(*table, format).prepared_bytes(7, kOddSlices.view()),
                7 * entry(*table, format).prepared_bytes(1, kOddSlices.view()));
    }
  }
}

}  // namespace
}  // namespace kerf
