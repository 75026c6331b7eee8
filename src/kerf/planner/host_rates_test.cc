#include "kerf/planner/host_rates.h"

#include <gtest/gtest.h>

#include "src/kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

class HostRatesTest : public ::testing::Test {
 protected:
  const MachineSpec machine_ = testing::probed_machine();
  const HostRates rates_{machine_.host};
};

HostMatmul one_row(double working_set_mb) {
  return {.format = "bf16", .rows = 1, .outputs = 1000, .inputs = 1000, .working_set_mb = working_set_mb};
}

TEST_F(HostRatesTest, OneRowIsBoundByReadingTheWeights) {
  EXPECT_NEAR(rates_.matmul_s(one_row(8)), 2e6 / 40e9, 1e-9) << "from the cache";
  EXPECT_NEAR(rates_.matmul_s(one_row(128)), 2e6 / 20e9, 1e-9) << "from memory";
  EXPECT_NEAR(rates_.matmul_s(one_row(1e6)), 2e6 / 20e9, 1e-9) << "no slower than memory";
  const double between = rates_.matmul_s(one_row(32));
  EXPECT_GT(between, 2e6 / 40e9);
  EXPECT_LT(between, 2e6 / 20e9);
}

TEST_F(HostRatesTest, ManyRowsAreBoundByArithmetic) {
  HostMatmul matmul = one_row(1e4);
  matmul.rows = 1024;
  EXPECT_NEAR(rates_.matmul_s(matmul), 2 * 1024 * 1e6 / 100e9, 1e-4);
  matmul.threads = 4;
  matmul.active = 4;
  EXPECT_NEAR(rates_.matmul_s(matmul), 2 * 1024 * 1e6 / 400e9, 1e-4);
}

TEST_F(HostRatesTest, RanksShareTheBandwidth) {
  HostMatmul alone = one_row(1e4);
  HostMatmul among_four = alone;
  among_four.active = 4;
  EXPECT_NEAR(rates_.matmul_s(among_four), 2 * rates_.matmul_s(alone), 1e-7)
      << "40 GB/s over four instead of 20 for one";
}

TEST_F(HostRatesTest, MoreThreadsThanCoresGainNothing) {
  HostMatmul crowded = one_row(8);
  crowded.rows = 256;
  crowded.active = 4;
  const double fair = rates_.matmul_s(crowded);
  crowded.active = 8;
  EXPECT_NEAR(rates_.matmul_s(crowded), 2 * fair, fair * 0.01);
}

TEST_F(HostRatesTest, TimesGrowWithRowsAndSizes) {
  double before = 0;
  for (double rows = 1; rows < 2000; rows *= 1.3) {
    HostMatmul matmul = one_row(60);
    matmul.rows = rows;
    EXPECT_GE(rates_.matmul_s(matmul), before) << rows;
    before = rates_.matmul_s(matmul);
  }
  before = 0;
  for (double bytes = 8; bytes < 1e9; bytes *= 1.7) {
    EXPECT_GE(rates_.collective_s("all_reduce", "shm", 2, bytes), before) << bytes;
    before = rates_.collective_s("all_reduce", "shm", 2, bytes);
  }
}

TEST_F(HostRatesTest, CollectivesKnowRanksAndTransport) {
  EXPECT_DOUBLE_EQ(rates_.collective_s("all_reduce", "shm", 1, 1024), 0);
  EXPECT_NEAR(rates_.collective_s("all_reduce", "shm", 2, 1024), 1e-6, 1e-12);
  EXPECT_NEAR(rates_.collective_s("all_reduce", "shm", 3, 1024), 1.5e-6, 1e-12);
  EXPECT_NEAR(rates_.collective_s("all_reduce", "mpi", 2, 1024), 10e-6, 1e-12);
  EXPECT_NEAR(rates_.collective_s("all_reduce", "shm", 2, 2 * 1048576), 200e-6, 1e-9) << "twice the largest";
  EXPECT_NEAR(rates_.collective_s("all_reduce", "shm", 8, 1024), 4e-6, 1e-12) << "twice the most ranks";
  EXPECT_GT(rates_.collective_s("unheard_of", "shm", 2, 8), 0);
}

TEST_F(HostRatesTest, AttentionFollowsContextHeadsAndWidth) {
  EXPECT_NEAR(rates_.attention_s("bf16", 1, 64, 512, 0, 1), 8e-6, 1e-9);
  EXPECT_NEAR(rates_.attention_s("bf16", 1, 64, 4096, 0, 1), 64e-6, 1e-8) << "beyond what was measured";
  EXPECT_NEAR(rates_.attention_s("bf16", 8, 64, 64, 0, 1), 4e-6, 1e-9);
  EXPECT_NEAR(rates_.attention_s("bf16", 1, 128, 64, 0, 1), 2e-6, 1e-9);
  EXPECT_GT(rates_.attention_s("f32", 1, 64, 64, 0, 1), 0) << "a format that was not measured";
}

TEST(HostRates, TellsAnOutputsCostFromAWeights) {
  // 1 row: 10 ns for each output and 1 ns for each weight; a slice adds 2 ns to an output.
  HostFigures host;
  host.cores = 1;
  const auto point = [](int64_t k, bool sliced) {
    const double ns = 10 + static_cast<double>(k) + (sliced ? 16 * 2 : 0);
    return MatmulPoint{.format = "f32",
                       .sliced = sliced,
                       .inputs = k,
                       .weight_mb = static_cast<double>(k) / 256,
                       .gflops = 2 * static_cast<double>(k) / ns};
  };
  host.matmul = {point(2048, false), point(256, false), point(2048, true)};
  const HostRates rates(host);
  const auto ns = [&](double k, double slices) {
    return rates.matmul_s({.format = "f32", .outputs = 100, .inputs = k, .slices = slices}) * 1e9 / 100;
  };
  EXPECT_NEAR(ns(2048, 1), 2058, 1);
  EXPECT_NEAR(ns(64, 1), 74, 1);
  EXPECT_NEAR(ns(64, 4), 82, 1);
}

}  // namespace
}  // namespace kerf
