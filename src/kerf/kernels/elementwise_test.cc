#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "kerf/kernels/test_support.h"

namespace kerf {
namespace {

constexpr int64_t kLengths[] = {1, 2, 15, 16, 17, 63, 64, 100, 1023};
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Runs an entry on every table, random and wild data, every length, and holds it to the scalar twin.
void expect_twins(const std::function<Floats(const Kernels&, const Floats& a, const Floats& b)>& run) {
  std::mt19937 rng(1);
  for (const int64_t n : kLengths) {
    for (const bool wild : {false, true}) {
      const Floats a = wild ? wild_floats(n, rng) : random_floats(n, rng, 3.0F);
      const Floats b = wild ? wild_floats(n, rng) : random_floats(n, rng, 3.0F);
      const Floats expected = run(*available_kernels().back(), a, b);
      for (const Kernels* table : available_kernels()) {
        EXPECT_TRUE(same_bits(run(*table, a, b), expected)) << table->isa << " n " << n << " wild " << wild;
      }
    }
  }
}

int64_t size(const Floats& values) { return static_cast<int64_t>(values.size()); }

TEST(Elementwise, EveryIsaGivesTheBitsOfTheScalarTwin) {
  expect_twins([](const Kernels& table, Floats a, const Floats& b) {
    table.rms_norm(a.data(), b.data(), 1e-6F, size(a), a.data());
    return a;
  });
  expect_twins([](const Kernels& table, const Floats& a, const Floats& b) {
    Floats head = a;
    head.insert(head.end(), b.begin(), b.end());
    table.rope(head.data(), b.data(), a.data(), size(head));
    return head;
  });
  expect_twins([](const Kernels& table, Floats a, const Floats& b) {
    table.add(a.data(), b.data(), size(a));
    return a;
  });
  expect_twins([](const Kernels& table, Floats a, const Floats& b) {
    table.scale(a.data(), b[0], size(a));
    return a;
  });
  expect_twins([](const Kernels& table, Floats a, const Floats&) {
    table.softcap(a.data(), 2.5F, size(a));
    return a;
  });
  expect_twins([](const Kernels& table, Floats a, const Floats& b) {
    table.silu_mul(a.data(), b.data(), a.data(), size(a));
    return a;
  });
  expect_twins([](const Kernels& table, const Floats& a, Floats b) {
    table.gelu_tanh_mul(a.data(), b.data(), b.data(), size(a));
    return b;
  });
}

TEST(Elementwise, EveryIsaWidensAndNarrowsEvery16BitFloat) {
  std::vector<uint16_t> all(1 << 16);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  for (const Kernels* table : available_kernels()) {
    Floats half(all.size());
    Floats bf16(all.size());
    table->widen(all.data(), DType::kF16, size(half), half.data());
    table->widen(all.data(), DType::kBF16, size(bf16), bf16.data());
    for (size_t i = 0; i < all.size(); ++i) {
      const uint16_t bits = all[i];
      EXPECT_TRUE(same_bits({half[i], bf16[i]}, {widen(Half{bits}), widen(BFloat16{bits})})) << table->isa << bits;
    }
    std::vector<uint16_t> back(all.size());
    table->store_value(half.data(), size(half), DType::kF16, reinterpret_cast<std::byte*>(back.data()), 0);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(back[i], std::isnan(half[i]) ? all[i] | kQuietHalf : all[i]) << table->isa;
    }
    table->store_value(bf16.data(), size(bf16), DType::kBF16, reinterpret_cast<std::byte*>(back.data()), 0);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(back[i], std::isnan(bf16[i]) ? all[i] | kQuietBF16 : all[i]) << table->isa;
    }
  }
}

TEST(Elementwise, StoresRoundToNearestEven) {
  std::mt19937 rng(2);
  Floats values = wild_floats(4096, rng);
  for (const float x : {65504.0F, 65519.0F, 65520.0F, 1.00390625F, 1.01171875F, 0x1.004p+0F, 0x1.00cp+0F, 0x1p-25F,
                        0x1.8p-25F, 0x1.ffep-15F, 0x1.ffffp-15F}) {
    values.push_back(x);
  }
  for (const Kernels* table : available_kernels()) {
    std::vector<uint16_t> half(values.size());
    std::vector<uint16_t> bf16(values.size());
    table->store_value(values.data(), size(values), DType::kF16, reinterpret_cast<std::byte*>(half.data()), 0);
    table->store_value(values.data(), size(values), DType::kBF16, reinterpret_cast<std::byte*>(bf16.data()), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(half[i], to_half(values[i]).bits) << table->isa << " " << values[i];
      EXPECT_EQ(bf16[i], to_bf16(values[i]).bits) << table->isa << " " << values[i];
    }
  }
}

TEST(Elementwise, NormDividesByTheRootMeanSquare) {
  std::mt19937 rng(3);
  for (const Kernels* table : available_kernels()) {
    for (const int64_t n : kLengths) {
      const Floats x = random_floats(n, rng);
      const Floats weight = random_floats(n, rng);
      Floats out(x.size());
      table->rms_norm(x.data(), weight.data(), 1e-5F, n, out.data());
      double squares = 0;
      for (const float value : x) squares += static_cast<double>(value) * value;
      const double root = std::sqrt(squares / static_cast<double>(n) + 1e-5);
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = x[i] / root * weight[i];
        // n / 16 + 4 roundings of the sum, halved by the root, and 5 more.
        EXPECT_NEAR(out[i], expected, std::abs(expected) * 0x1p-24 * (static_cast<double>(n) / 32 + 8)) << table->isa;
      }
    }
  }
}

TEST(Elementwise, RopeRotatesPairsOfHalves) {
  for (const Kernels* table : available_kernels()) {
    Floats head = {1, 2, 3, 10, 20, 30};
    const Floats cos = {1, 0, 0.6F};
    const Floats sin = {0, 1, 0.8F};
    table->rope(head.data(), cos.data(), sin.data(), 6);
    const Floats expected = {1, -20, 3 * 0.6F - 30 * 0.8F, 10, 2, 30 * 0.6F + 3 * 0.8F};
    for (size_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head[i], expected[i], 1e-5) << table->isa;
  }
}

// Distance of an f32 from the exact value, in units of the exact value's last f32 place.
double ulps(float actual, double exact) {
  const auto nearest = static_cast<float>(exact);
  if (std::isinf(nearest) || nearest == 0) return actual == nearest ? 0 : 1e9;
  const int exponent = std::max(std::ilogb(exact), -126);
  return std::abs(static_cast<double>(actual) - exact) / std::ldexp(1.0, exponent - 23);
}

// Applies an entry to a grid of bit patterns: every sign, exponent and a few hundred fractions.
Floats grid() {
  Floats values;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 40009) {
    const auto x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (!std::isnan(x)) values.push_back(x);
  }
  return values;
}

TEST(Elementwise, SoftcapIsTanh) {
  for (const Kernels* table : available_kernels()) {
    const Floats x = grid();
    Floats y = x;
    table->softcap(y.data(), 1.0F, size(y));
    for (size_t i = 0; i < x.size(); ++i) EXPECT_LE(ulps(y[i], std::tanh(static_cast<double>(x[i]))), 2) << x[i];
    Floats ends = {kInfinity, -kInfinity, 0.0F, -0.0F, std::numeric_limits<float>::quiet_NaN()};
    table->softcap(ends.data(), 30.0F, size(ends));
    EXPECT_TRUE(same_bits(ends, {30.0F, -30.0F, 0.0F, -0.0F, std::numeric_limits<float>::quiet_NaN()}));
  }
}

// silu(x) = x / (1 + e^-x): as exact as exp, a division and an addition allow; where e^-x overflows f32, 0.
TEST(Elementwise, SiluIsXTimesLogistic) {
  for (const Kernels* table : available_kernels()) {
    const Floats x = grid();
    const Floats ones(x.size(), 1.0F);
    Floats y(x.size());
    table->silu_mul(x.data(), ones.data(), y.data(), size(y));
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isinf(x[i])) continue;
      const double exact = x[i] / (1 + std::exp(-static_cast<double>(x[i])));
      if (x[i] < -88.72F) {
        EXPECT_LE(std::abs(y[i]), 3e-37F) << x[i];
      } else {
        EXPECT_LE(ulps(y[i], exact), 3) << x[i];
      }
    }
  }
}

TEST(Elementwise, GeluIsTheTanhApproximation) {
  for (const Kernels* table : available_kernels()) {
    for (int step = -3300; step <= 3300; ++step) {
      const float x = static_cast<float>(step) * 0.0037F;
      const float two = 2.0F;
      float y = 0;
      table->gelu_tanh_mul(&x, &two, &y, 1);
      const double wide = x;
      const double inner = std::sqrt(2 / std::acos(-1.0)) * (wide + 0.044715 * wide * wide * wide);
      const double exact = two * wide / (1 + std::exp(-2 * inner));  // (1 + tanh) would cancel
      // The rounding of the exponent 2 * inner becomes a relative error of |2 inner| half ulps.
      EXPECT_NEAR(y, exact, 0x1p-24 * std::abs(exact) * (8 * std::abs(inner) + 8) + 1e-30) << table->isa << " " << x;
    }
  }
}

}  // namespace
}  // namespace kerf
