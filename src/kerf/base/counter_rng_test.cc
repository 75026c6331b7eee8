#include "kerf/base/counter_rng.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace kerf {
namespace {

// The philox4x32 10 lines of Random123's kat_vectors.
TEST(CounterRng, PhiloxGivesThePublishedAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}),
            (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(CounterRng, UniformNumbersStayBelowOneAndDifferByBothHalvesOfSeedAndPosition) {
  std::set<double> seen;
  for (const uint64_t seed : {0ULL, 1ULL, 1ULL << 32, ~0ULL}) {
    for (const uint64_t position : {0ULL, 1ULL, 1ULL << 32, ~0ULL}) {
      const double u = uniform_at(seed, position);
      EXPECT_GE(u, 0.0);
      EXPECT_LT(u, 1.0);
      seen.insert(u);
    }
  }
  EXPECT_EQ(seen.size(), 16U);
}

// Seed and positions are fixed, so the statistic is one number; 149 is the 99.9 % quantile for 99
// degrees of freedom.
TEST(CounterRng, UniformNumbersFillTheirBucketsEvenly) {
  constexpr int kDraws = 100000;
  std::array<int, 100> buckets{};
  for (int i = 0; i < kDraws; ++i) ++buckets[static_cast<size_t>(uniform_at(7, static_cast<uint64_t>(i)) * 100)];
  double chi_square = 0;
  for (const int count : buckets) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 149);
}

}  // namespace
}  // namespace kerf
