#include <gtest/gtest.h>

#include "kerf/kernels/test_support.h"
#include "kerf/spec/reduction.h"

namespace kerf {
namespace {

constexpr float kHalfUlp = 0x1p-24F;  // relative error of one rounding to f32

float rounded(float x, WeightFormat format, bool is_weight) {
  if (format == WeightFormat::kBF16) return widen(to_bf16(x));
  return format == WeightFormat::kF16 && is_weight ? widen(to_half(x)) : x;
}

Slices tree_slices(int64_t k, int count) {
  const MergeProgram program = ReductionTree({0, count}).local(0);
  return {even_bounds(k, count), program.merges, program.results, program.depth};
}

// Rows [first, last) of a row-major matrix, or columns of it.
Floats columns(const Floats& matrix, int64_t width, int64_t first, int64_t last) {
  Floats part;
  for (size_t row = 0; row < matrix.size() / static_cast<size_t>(width); ++row) {
    const auto begin = matrix.begin() + static_cast<int64_t>(row) * width;
    part.insert(part.end(), begin + first, begin + last);
  }
  return part;
}

Floats sum(const Floats& a, const Floats& b) {
  Floats result(a.size());
  for (size_t i = 0; i < a.size(); ++i) result[i] = a[i] + b[i];
  return result;
}

struct Shape {
  int64_t m, n, k;
  int slices;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1},   {1, 32, 64, 1},   {1, 97, 65, 3},   {2, 33, 31, 1},  {3, 64, 128, 16},
                             {5, 70, 77, 7}, {13, 40, 100, 4}, {29, 96, 256, 5}, {64, 32, 17, 16}};

TEST(Matmul, EveryIsaGivesTheBitsOfTheScalarTwin) {
  std::mt19937 rng(1);
  for (const WeightFormat format : kFormats) {
    for (const Shape& shape : kShapes) {
      const Slices slices = tree_slices(shape.k, shape.slices);
      const Floats x = random_floats(shape.m * shape.k, rng);
      const Floats weight = random_floats(shape.n * shape.k, rng);
      const Floats expected = multiply(*available_kernels().back(), format, x, weight, slices);
      for (const Kernels* table : available_kernels()) {
        EXPECT_TRUE(same_bits(multiply(*table, format, x, weight, slices), expected))
            << table->isa << " format " << static_cast<int>(format) << " m " << shape.m << " n " << shape.n << " k "
            << shape.k << " slices " << shape.slices;
      }
    }
  }
}

TEST(Matmul, EveryIsaTreatsSubnormalsInfinitiesAndNansAlike) {
  std::mt19937 rng(2);
  for (const WeightFormat format : kFormats) {
    for (int round = 0; round < 20; ++round) {
      const Slices slices = tree_slices(6, 2);
      Floats x = wild_floats(16 * 6, rng);
      Floats weight = wild_floats(64 * 6, rng);
      if (round % 2 == 0) {  // products and sums around the smallest normal number
        x = random_floats(16 * 6, rng, 0x1p-60F);
        weight = random_floats(64 * 6, rng, 0x1p-68F);
      }
      const Floats expected = multiply(*available_kernels().back(), format, x, weight, slices);
      for (const Kernels* table : available_kernels()) {
        EXPECT_TRUE(same_bits(multiply(*table, format, x, weight, slices), expected)) << table->isa;
      }
    }
  }
}

// vdpbf16ps makes a result zero when it is below 2^-126 after rounding to 24 bits with an unbounded exponent.
TEST(Matmul, EveryIsaFlushesAtTheSameBoundary) {
  for (const float fraction : {1.0F, 1.25F, 1.5F, 1.75F}) {
    for (int exponent = -155; exponent <= -147; ++exponent) {
      for (const float sign : {1.0F, -1.0F}) {
        // The odd element is accumulated first: ±2^-126, then a little towards zero.
        const Floats x = {sign * fraction * std::ldexp(1.0F, exponent / 2), sign * 0x1p-63F};
        const Floats weight = {-std::ldexp(1.0F, exponent - exponent / 2), 0x1p-63F};
        const float expected =
            std::ldexp(static_cast<double>(fraction), exponent) > 0x1p-151 ? sign * 0.0F : sign * 0x1p-126F;
        for (const Kernels* table : available_kernels()) {
          const Floats out = multiply(*table, WeightFormat::kBF16, x, weight, one_slice(2));
          EXPECT_EQ(out[0], expected) << table->isa << " " << fraction << " * 2^" << exponent;
        }
      }
    }
  }
}

TEST(Matmul, IsTheSumThatItClaims) {
  std::mt19937 rng(3);
  for (const WeightFormat format : kFloatFormats) {
    for (const Shape& shape : kShapes) {
      const Floats x = random_floats(shape.m * shape.k, rng);
      const Floats weight = random_floats(shape.n * shape.k, rng);
      for (const Kernels* table : available_kernels()) {
        const Floats out = multiply(*table, format, x, weight, tree_slices(shape.k, shape.slices));
        for (int64_t i = 0; i < shape.m * shape.n; ++i) {
          double exact = 0;
          double magnitude = 0;
          for (int64_t k = 0; k < shape.k; ++k) {
            const float a = rounded(x[static_cast<size_t>(i / shape.n * shape.k + k)], format, false);
            const float b = rounded(weight[static_cast<size_t>(i % shape.n * shape.k + k)], format, true);
            exact += static_cast<double>(a) * b;
            magnitude += std::abs(static_cast<double>(a) * b);
          }
          // k roundings in a chain of k fma: at most k half ulps of the sum of magnitudes.
          EXPECT_NEAR(out[static_cast<size_t>(i)], exact, static_cast<double>(shape.k) * kHalfUlp * magnitude)
              << table->isa;
        }
      }
    }
  }
}

TEST(Matmul, DoesNotDependOnRowsTogetherOrPanelsTogether) {
  constexpr int64_t kRows = 23;
  constexpr int64_t kN = 150;
  constexpr int64_t kInner = 90;
  std::mt19937 rng(4);
  const Floats x = random_floats(kRows * kInner, rng);
  const Floats weight = random_floats(kN * kInner, rng);
  const Slices slices = tree_slices(kInner, 4);
  for (const Kernels* table : available_kernels()) {
    for (const WeightFormat format : kFormats) {
      const Floats together = multiply(*table, format, x, weight, slices);
      const MatmulKernel& kernel = entry(*table, format);
      std::vector<std::byte> packed(kernel.packed_bytes(kN, slices.view()));
      kernel.pack({weight.data(), DType::kF32, kInner, kN, slices.view(), 0, packed.data()});
      for (const int64_t height : {1, 2, 7, 16}) {
        Floats apart(together.size());
        for (int64_t row = 0; row < kRows; row += height) {
          const int64_t m = std::min(height, kRows - row);
          std::vector<std::byte> prepared(kernel.prepared_bytes(m, slices.view()));
          kernel.prepare(x.data() + row * kInner, kInner, m, slices.view(), prepared.data());
          for (int64_t panel = 0; panel < panels(kN); ++panel) {
            kernel.matmul({prepared.data(), m, packed.data(), kN, slices.view(), apart.data() + row * kN, 0, kN, panel,
                           panel + 1});
          }
        }
        EXPECT_TRUE(same_bits(apart, together)) << table->isa << " height " << height;
      }
    }
  }
}

// The tree evaluated by hand: each slice a matmul of its own, nodes added pairwise.
Floats hand_tree(const Kernels& table, WeightFormat format, const Floats& x, const Floats& weight, const Slices& slices,
                 int first, int last) {
  if (last - first > 1) {
    const int middle = (first + last) / 2;
    return sum(hand_tree(table, format, x, weight, slices, first, middle),
               hand_tree(table, format, x, weight, slices, middle, last));
  }
  const int64_t k = slices.bounds.back();
  const int64_t begin = slices.bounds[static_cast<size_t>(first)];
  const int64_t end = slices.bounds[static_cast<size_t>(last)];
  return multiply(table, format, columns(x, k, begin, end), columns(weight, k, begin, end), one_slice(end - begin));
}

TEST(Matmul, MergesSlicesAsTheTreeSays) {
  std::mt19937 rng(5);
  for (const int count : {1, 2, 3, 7, 11, 16}) {
    const Slices slices = tree_slices(143, count);
    const Floats x = random_floats(5 * 143, rng);
    const Floats weight = random_floats(37 * 143, rng);
    for (const Kernels* table : available_kernels()) {
      for (const WeightFormat format : kFormats) {
        EXPECT_TRUE(same_bits(multiply(*table, format, x, weight, slices),
                              hand_tree(*table, format, x, weight, slices, 0, count)))
            << table->isa << " " << count << " slices";
      }
    }
  }
}

TEST(Matmul, CutOverRanksAndFinishedIsTheUncutResult) {
  constexpr int64_t kInner = 160;
  std::mt19937 rng(6);
  const Floats x = random_floats(3 * kInner, rng);
  const Floats weight = random_floats(40 * kInner, rng);
  const Slices whole = tree_slices(kInner, 16);
  for (const int ranks : {2, 3, 5, 7, 16}) {
    const ReductionTree tree(even_bounds(16, ranks));
    const std::vector<int64_t> cut = even_bounds(16, ranks);
    for (const Kernels* table : available_kernels()) {
      std::vector<Floats> stack;
      size_t item = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const auto first = static_cast<size_t>(cut[static_cast<size_t>(rank)]);
        const auto last = static_cast<size_t>(cut[static_cast<size_t>(rank) + 1]);
        const MergeProgram& local = tree.local(rank);
        Slices mine{{}, local.merges, local.results, local.depth};
        for (size_t s = first; s <= last; ++s) mine.bounds.push_back(whole.bounds[s] - whole.bounds[first]);
        const Floats nodes =
            multiply(*table, WeightFormat::kBF16, columns(x, kInner, whole.bounds[first], whole.bounds[last]),
                     columns(weight, kInner, whole.bounds[first], whole.bounds[last]), mine);
        for (int node = 0; node < local.results; ++node, ++item) {
          stack.emplace_back(nodes.begin() + node * 120, nodes.begin() + (node + 1) * 120);
          for (int merge = 0; merge < tree.finish().merges[item]; ++merge) {
            const Floats right = stack.back();
            stack.pop_back();
            stack.back() = sum(stack.back(), right);
          }
        }
      }
      EXPECT_TRUE(same_bits(stack.front(), multiply(*table, WeightFormat::kBF16, x, weight, whole)))
          << table->isa << " " << ranks << " ranks";
    }
  }
}

// The tests above prove something only if another order would have been noticed.
TEST(Matmul, AnotherOrderOfSummationGivesOtherBits) {
  constexpr int64_t kInner = 256;
  std::mt19937 rng(7);
  const Floats x = random_floats(2 * kInner, rng);
  const Floats weight = random_floats(32 * kInner, rng);
  const auto reversed = [](Floats matrix) {
    for (auto row = matrix.begin(); row != matrix.end(); row += kInner) std::reverse(row, row + kInner);
    return matrix;
  };
  Slices left_to_right = tree_slices(kInner, 4);
  left_to_right.merges = {0, 1, 1, 1};
  for (const Kernels* table : available_kernels()) {
    for (const WeightFormat format : kFormats) {
      const Floats tree = multiply(*table, format, x, weight, tree_slices(kInner, 4));
      EXPECT_FALSE(same_bits(multiply(*table, format, reversed(x), reversed(weight), tree_slices(kInner, 4)), tree));
      EXPECT_FALSE(same_bits(multiply(*table, format, x, weight, left_to_right), tree));
      EXPECT_FALSE(same_bits(multiply(*table, format, x, weight, one_slice(kInner)), tree));
    }
  }
}

TEST(Matmul, WritesOnlyItsPanels) {
  std::mt19937 rng(8);
  const Slices slices = one_slice(16);
  const Floats x = random_floats(2 * 16, rng);
  const Floats weight = random_floats(70 * 16, rng);
  for (const Kernels* table : available_kernels()) {
    const MatmulKernel& kernel = entry(*table, WeightFormat::kBF16);
    std::vector<std::byte> packed(kernel.packed_bytes(70, slices.view()));
    kernel.pack({weight.data(), DType::kF32, 16, 70, slices.view(), 0, packed.data()});
    std::vector<std::byte> prepared(kernel.prepared_bytes(2, slices.view()));
    kernel.prepare(x.data(), 16, 2, slices.view(), prepared.data());
    Floats out(2 * 80, 9.0F);
    kernel.matmul({prepared.data(), 2, packed.data(), 70, slices.view(), out.data(), 0, 80, 1, 3});
    for (size_t i = 0; i < out.size(); ++i) {
      const bool mine = i % 80 >= 32 && i % 80 < 70;
      EXPECT_EQ(out[i] != 9.0F, mine) << table->isa << " column " << i % 80;
    }
  }
}

}  // namespace
}  // namespace kerf
