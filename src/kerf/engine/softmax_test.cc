#include "kerf/engine/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace kerf {
namespace {

TEST(Softmax, ExpAgreesWithLibmToAnUlpOrTwo) {
  EXPECT_EQ(exp_of_nonpositive(0.0), 1.0);
  EXPECT_EQ(exp_of_nonpositive(-0.0), 1.0);
  EXPECT_EQ(exp_of_nonpositive(-1e5), 0.0);
  EXPECT_EQ(exp_of_nonpositive(-std::numeric_limits<double>::infinity()), 0.0);
  std::mt19937_64 rng(1);
  for (const double span : {1e-9, 1.0, 40.0, 708.0}) {
    std::uniform_real_distribution<double> x(-span, 0);
    for (int i = 0; i < 20000; ++i) {
      const double value = x(rng);
      const double expected = std::exp(value);
      ASSERT_NEAR(exp_of_nonpositive(value) / expected, 1.0, 2 * 0x1p-52) << value;
    }
  }
}

// The second is one ulp below libm's on the machine this was written on.
TEST(Softmax, ExpGivesTheseBitsOnEveryMachine) {
  EXPECT_EQ(exp_of_nonpositive(-1.0), 0x1.78b56362cef38p-2);
  EXPECT_EQ(exp_of_nonpositive(-10.0), 0x1.7cd79b5647c9ap-15);
  EXPECT_EQ(exp_of_nonpositive(-700.0), 0x1.14f2b0fb9307fp-1010);
}

TEST(Softmax, ScanFindsTheLargestAndWhatIsNotFinite) {
  for (size_t n = 1; n < 70; ++n) {
    std::vector<float> row(n);
    for (size_t i = 0; i < n; ++i) row[i] = -100.0F - static_cast<float>(i);
    for (size_t at = 0; at < n; ++at) {
      const float old = row[at];
      row[at] = -5;
      EXPECT_EQ(scan(row).max, -5);
      EXPECT_TRUE(scan(row).finite);
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity()}) {
        row[at] = bad;
        EXPECT_FALSE(scan(row).finite) << at << " of " << n;
      }
      row[at] = old;
    }
  }
}

TEST(Softmax, ProbabilitiesAddUpToOneWhateverTheSizeOfTheLogits) {
  for (const float offset : {0.0F, 1e4F, -3e38F}) {
    std::vector<float> row(101);
    for (size_t i = 0; i < row.size(); ++i) row[i] = offset + static_cast<float>(i % 13);
    double total = 0;
    for (int32_t id = 0; id < 101; ++id) total += std::exp(log_softmax_at(row, id));
    EXPECT_NEAR(total, 1.0, 1e-12) << offset;
  }
}

TEST(Softmax, KnownRow) {
  const std::vector<float> row = {0.0F, std::log(2.0F), std::log(5.0F)};
  EXPECT_NEAR(log_softmax_at(row, 0), std::log(1.0 / 8), 1e-7);
  EXPECT_NEAR(log_softmax_at(row, 2), std::log(5.0 / 8), 1e-7);
}

}  // namespace
}  // namespace kerf
