#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <numeric>

#include "kerf/kernels/packing.h"
#include "kerf/kernels/test_support.h"

namespace kerf {
namespace {

// One weight as the packed matrix has it: scale times integer.
struct Stored {
  int q = 0;
  float scale = 0;
  [[nodiscard]] float value() const { return scale * static_cast<float>(q); }
};

template <typename Group>
int integer(const Group& group, int64_t output, int64_t k) {
  if constexpr (std::is_same_v<Group, PackedInt8>) {
    return group.quads[k / kQuad][output][k % kQuad] - Group::kZero;
  } else {
    const uint8_t both = group.quads[k % (kGroup / 2) / kQuad][output][k % kQuad];
    return (k < kGroup / 2 ? both & 0x0f : both >> 4) - Group::kZero;
  }
}

template <typename Group>
Stored read(const std::vector<std::byte>& packed, const Slices& slices, int64_t row, int64_t k) {
  int64_t at = row / kPanel * static_cast<int64_t>(stored_k(WeightFormat::kInt8, slices.view()) / kGroup);
  size_t s = 0;
  for (; k >= slices.bounds[s + 1]; ++s) at += (slices.bounds[s + 1] - slices.bounds[s] + kGroup - 1) / kGroup;
  const int64_t in_slice = k - slices.bounds[s];
  Group group;
  std::memcpy(&group, packed.data() + static_cast<size_t>(at + in_slice / kGroup) * sizeof(Group), sizeof(Group));
  return {.q = integer(group, row % kPanel, in_slice % kGroup), .scale = widen(group.scales[row % kPanel])};
}

Stored read(WeightFormat format, const std::vector<std::byte>& packed, const Slices& slices, int64_t row, int64_t k) {
  return format == WeightFormat::kInt8 ? read<PackedInt8>(packed, slices, row, k)
                                       : read<PackedInt4>(packed, slices, row, k);
}

std::vector<std::byte> pack(const Kernels& table, WeightFormat format, const Floats& weight, const Slices& slices) {
  const int64_t k = slices.bounds.back();
  const int64_t n = static_cast<int64_t>(weight.size()) / k;
  std::vector<std::byte> packed(entry(table, format).packed_bytes(n, slices.view()));
  entry(table, format).pack({weight.data(), DType::kF32, k, n, slices.view(), 0, packed.data()});
  return packed;
}

// The squared error that llama.cpp's Q4_0 makes of one group: the weight of largest magnitude is -8 steps.
double q4_0_error(const float* w) {
  float extreme = 0;
  for (int64_t k = 0; k < kGroup; ++k) extreme = std::abs(w[k]) > std::abs(extreme) ? w[k] : extreme;
  const float scale = extreme / -8;
  double error = 0;
  for (int64_t k = 0; k < kGroup; ++k) {
    const float q = std::min(15.0F, std::floor(w[k] / scale + 8.5F)) - 8;
    error += std::pow(static_cast<double>(w[k]) - static_cast<double>(q) * widen(to_half(scale)), 2);
  }
  return error;
}

constexpr int64_t kRows = 75;
constexpr int64_t kInner = 150;
const Slices kOddSlices = {{0, 1, 70, 135, 150}, {0, 1, 0, 2}, 1, 3};

TEST(Quantise, Int8IsWithinHalfAStep) {
  std::mt19937 rng(1);
  const Floats weight = random_floats(kRows * kInner, rng, 0.05F);
  for (const Kernels* table : available_kernels()) {
    const std::vector<std::byte> packed = pack(*table, WeightFormat::kInt8, weight, kOddSlices);
    for (int64_t i = 0; i < kRows * kInner; ++i) {
      const Stored stored = read(WeightFormat::kInt8, packed, kOddSlices, i / kInner, i % kInner);
      const float w = weight[static_cast<size_t>(i)];
      ASSERT_NEAR(stored.value(), w, stored.scale * 0.5001F) << table->isa << " element " << i;
      ASSERT_LE(std::abs(stored.q), 127);
    }
  }
}

TEST(Quantise, Int4HasASmallerErrorThanQ4_0) {
  std::mt19937 rng(2);
  constexpr int64_t kGroups = 64;
  const Floats weight = random_floats(kGroups * kGroup * 32, rng, 0.05F);
  const Slices slices = one_slice(kGroups * kGroup);
  const std::vector<std::byte> packed = pack(kernels(), WeightFormat::kInt4, weight, slices);
  double own = 0;
  double other = 0;
  for (int64_t i = 0; i < 32 * kGroups; ++i) {
    const float* w = weight.data() + i * kGroup;
    double error = 0;
    for (int64_t k = 0; k < kGroup; ++k) {
      const float value = read(WeightFormat::kInt4, packed, slices, i / kGroups, i % kGroups * kGroup + k).value();
      error += std::pow(static_cast<double>(w[k] - value), 2);
    }
    EXPECT_LE(error, q4_0_error(w) * 1.02) << "group " << i;  // up to the scale's rounding
    own += error;
    other += q4_0_error(w);
  }
  EXPECT_LE(own, 0.9 * other);
}

TEST(Quantise, EveryIsaAndEveryDTypePacksTheSameBytes) {
  std::mt19937 rng(3);
  Floats weight = random_floats(kRows * kInner, rng, 0.05F);
  for (size_t i = 0; i < weight.size() / 2; ++i) weight[i] = std::ldexp(weight[i], static_cast<int>(i % 60) - 45);
  for (size_t i = 0; i < 200; ++i) weight[i] = 0;
  std::vector<uint16_t> narrow(weight.size());
  for (size_t i = 0; i < weight.size(); ++i) {
    narrow[i] = to_bf16(weight[i]).bits;
    weight[i] = widen(BFloat16{narrow[i]});
  }
  for (const WeightFormat format : kIntFormats) {
    const std::vector<std::byte> expected = pack(*available_kernels().back(), format, weight, kOddSlices);
    for (const Kernels* table : available_kernels()) {
      EXPECT_EQ(pack(*table, format, weight, kOddSlices), expected) << table->isa;
      std::vector<std::byte> packed(expected.size());
      entry(*table, format).pack({narrow.data(), DType::kBF16, kInner, kRows, kOddSlices.view(), 0, packed.data()});
      EXPECT_EQ(packed, expected) << table->isa << " from bf16";
    }
  }
}

TEST(Quantise, PreparedRowsAreWithinHalfAStepAndKnowTheirSums) {
  std::mt19937 rng(4);
  Floats x = random_floats(kInner, rng);
  for (size_t i = 1; i < 20; ++i) x[i] = 0x1p-120F;  // together with larger ones, and below
  for (const WeightFormat format : kIntFormats) {
    const MatmulKernel& kernel = entry(kernels(), format);
    std::vector<std::byte> prepared(kernel.prepared_bytes(1, kOddSlices.view()));
    kernel.prepare(x.data(), kInner, 1, kOddSlices.view(), prepared.data());
    const std::byte* at = prepared.data();
    for (size_t s = 0; s + 1 < kOddSlices.bounds.size(); ++s) {
      for (int64_t k = kOddSlices.bounds[s]; k < kOddSlices.bounds[s + 1]; k += kGroup, at += sizeof(PreparedGroup)) {
        PreparedGroup group;
        std::memcpy(&group, at, sizeof(group));
        const auto* quads = &group.quads[0][0];
        for (int64_t i = 0; i < kGroup; ++i) {
          const bool inside = k + i < kOddSlices.bounds[s + 1];
          EXPECT_NEAR(static_cast<float>(quads[i]) * group.scale, inside ? x[static_cast<size_t>(k + i)] : 0.0F,
                      group.scale * 0.5001F + 0x1p-100F);
        }
        const int sum = std::accumulate(quads, quads + kGroup, 0);
        EXPECT_EQ(group.bias, -sum * (format == WeightFormat::kInt8 ? 128 : 8));
      }
    }
  }
}

// Against double arithmetic on the stored integers: what is left is the rounding of two operations a group.
TEST(Quantise, TheMatmulIsTheSumOfTheStoredIntegers) {
  std::mt19937 rng(5);
  constexpr int64_t kM = 15;
  const Floats x = random_floats(kM * kInner, rng);
  const Floats weight = random_floats(kRows * kInner, rng, 0.05F);
  for (const WeightFormat format : kIntFormats) {
    for (const Kernels* table : available_kernels()) {
      const MatmulKernel& kernel = entry(*table, format);
      const std::vector<std::byte> packed = pack(*table, format, weight, kOddSlices);
      const Floats out = multiply(*table, format, x, weight, kOddSlices);
      for (int64_t i = 0; i < kM * kRows; ++i) {
        std::vector<std::byte> prepared(kernel.prepared_bytes(1, kOddSlices.view()));
        kernel.prepare(x.data() + i / kRows * kInner, kInner, 1, kOddSlices.view(), prepared.data());
        double exact = 0;
        double magnitude = 0;
        int64_t g = 0;
        for (size_t s = 0; s + 1 < kOddSlices.bounds.size(); ++s) {
          for (int64_t k = kOddSlices.bounds[s]; k < kOddSlices.bounds[s + 1]; ++g) {
            PreparedGroup group;
            std::memcpy(&group, prepared.data() + static_cast<size_t>(g) * sizeof(group), sizeof(group));
            for (int64_t in = 0; in < kGroup && k < kOddSlices.bounds[s + 1]; ++in, ++k) {
              const float a = static_cast<float>((&group.quads[0][0])[in]) * group.scale;
              const double product = static_cast<double>(a) * read(format, packed, kOddSlices, i % kRows, k).value();
              exact += product;
              magnitude += std::abs(product);
            }
          }
        }
        ASSERT_NEAR(out[static_cast<size_t>(i)], exact, 16 * 0x1p-24 * magnitude) << table->isa;
      }
    }
  }
}

TEST(Quantise, WhatIsNotFiniteBecomesNan) {
  std::mt19937 rng(6);
  const float kInfinity = std::numeric_limits<float>::infinity();
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const WeightFormat format : kIntFormats) {
    for (const Kernels* table : available_kernels()) {
      for (const float bad : {kInfinity, -kInfinity, kNan}) {
        for (const size_t at : {0, 20, 31, 40}) {
          Floats x = random_floats(2 * 64, rng);
          Floats weight = random_floats(3 * 64, rng);
          x[at] = bad;
          Floats out = multiply(*table, format, x, weight, one_slice(64));
          for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i < 3) << table->isa;
          x[at] = 0;
          weight[64 + at] = bad;
          out = multiply(*table, format, x, weight, one_slice(64));
          for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(std::isnan(out[i]), i % 3 == 1) << table->isa;
        }
      }
    }
  }
}

// Long rows are quantised many groups at a time, across the slices that end with a whole one.
TEST(Quantise, AGroupOfALongRowIsAsItIsByItself) {
  const Slices slices{{0, 352, 704, 709, 1733}, {0, 0, 0, 0}, 4, 4};  // 22 groups, 5 elements, 32 groups
  const int64_t k = slices.bounds.back();
  std::mt19937 rng(7);
  Floats x = random_floats(k, rng);
  x[40] = std::numeric_limits<float>::infinity();
  x[800] = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 0; i < kGroup; ++i) x[static_cast<size_t>(64 + i)] *= 0x1p-110F;
  for (const Kernels* table : available_kernels()) {
    for (const WeightFormat format : kIntFormats) {
      const MatmulKernel& kernel = entry(*table, format);
      std::vector<std::byte> whole(kernel.prepared_bytes(1, slices.view()));
      kernel.prepare(x.data(), k, 1, slices.view(), whole.data());
      const auto* group = reinterpret_cast<const PreparedGroup*>(whole.data());
      for (size_t s = 0; s + 1 < slices.bounds.size(); ++s) {
        for (int64_t at = slices.bounds[s]; at < slices.bounds[s + 1]; at += kGroup, ++group) {
          const Slices alone = one_slice(std::min(kGroup, slices.bounds[s + 1] - at));
          std::vector<std::byte> prepared(kernel.prepared_bytes(1, alone.view()));
          kernel.prepare(x.data() + at, k, 1, alone.view(), prepared.data());
          EXPECT_EQ(std::memcmp(group, prepared.data(), sizeof(PreparedGroup)), 0) << table->isa << ", k " << at;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kerf
