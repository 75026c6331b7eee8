#include "kerf/planner/collectives.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kerf/planner/fabrics.h"

namespace kerf {
namespace {

constexpr Wire kWire{.latency_s = 1e-6, .bytes_per_s = 100e9};

Group flat(int ranks) { return {.ranks = ranks, .inner = ranks, .in = kWire}; }

double all_reduce_s(double bytes, const Group& group) {
  return collective_s(CollectiveOp::kAllReduce, bytes, group, {});
}

TEST(Collectives, OneRankCostsNothing) {
  EXPECT_EQ(all_reduce_s(1e6, flat(1)), 0);
  EXPECT_EQ(all_to_all_s(1, 1e6, 2, kWire), 0);
  EXPECT_EQ(tree_all_reduce_s(1, 1e6, kWire), 0);
}

TEST(Collectives, SmallMessagesGoOneShotAndLargeOnesRound) {
  const Group group = flat(8);
  EXPECT_DOUBLE_EQ(all_reduce_s(256, group), one_shot_all_reduce_s(8, 256, kWire));
  EXPECT_DOUBLE_EQ(all_reduce_s(1e9, group), ring_s(CollectiveOp::kAllReduce, 8, 1e9, kWire));
}

TEST(Collectives, TreesBeatRingsOverManyRanks) {
  EXPECT_LT(tree_all_reduce_s(512, 1e5, kWire), ring_s(CollectiveOp::kAllReduce, 512, 1e5, kWire));
  EXPECT_DOUBLE_EQ(all_reduce_s(1e6, flat(512)), tree_all_reduce_s(512, 1e6, kWire));
}

TEST(Collectives, AcrossNodesOnlyAShardLeavesTheNode) {
  const Wire network{.latency_s = 10e-6, .bytes_per_s = 10e9};
  const Group group{.ranks = 16, .inner = 8, .in = kWire, .out = network};
  const double expected = ring_s(CollectiveOp::kReduceScatter, 8, 1e9, kWire) +
                          ring_s(CollectiveOp::kAllReduce, 2, 1e9 / 8, network) +
                          ring_s(CollectiveOp::kAllGather, 8, 1e9, kWire);
  EXPECT_NEAR(all_reduce_s(1e9, group), expected, 0.05 * expected);
  EXPECT_LT(all_reduce_s(1e9, group), ring_s(CollectiveOp::kAllReduce, 16, 1e9, network));
}

TEST(Collectives, NarrowerLinksTakeLonger) {
  const FabricCatalog catalog = FabricCatalog::read().value();
  const Fabric* fabric = catalog.find("NVLink4", "H100-SXM");
  ASSERT_NE(fabric, nullptr);
  Group whole = flat(4);
  whole.fabric = fabric;
  whole.in.bytes_per_s = 450e9;
  Group narrow = whole;
  narrow.in.bytes_per_s = 200e9;
  const Families families = families_of(fabric, "nccl");
  const double fast = collective_s(CollectiveOp::kAllReduce, 1 << 28, whole, families);
  EXPECT_NEAR(collective_s(CollectiveOp::kAllReduce, 1 << 28, narrow, families), 2.25 * fast, 0.25 * fast);
}

TEST(Collectives, DevicesFindTheirOwnMeasurementsFirst) {
  const FabricCatalog catalog = FabricCatalog::read().value();
  EXPECT_NE(catalog.find("NVLink4", "H100-SXM"), catalog.find("NVLink4", "H200-SXM"));
  EXPECT_EQ(catalog.find("NVLink4", "H20"), catalog.find("NVLink4", "H100-SXM"));
  EXPECT_NE(catalog.find("PCIe4-SYS", "L40S"), nullptr);
  EXPECT_EQ(catalog.find("NVLink3-GA102", "A40"), nullptr);
  EXPECT_EQ(catalog.find("Ethernet-10G", "L40S"), nullptr);
}

TEST(Collectives, TimeGrowsWithSizeEverywhere) {
  const FabricCatalog catalog = FabricCatalog::read().value();
  const Fabric* fabric = catalog.find("NVLink3", "A100-80G-SXM");
  ASSERT_NE(fabric, nullptr);
  for (const int ranks : {2, 3, 4, 6, 8, 16}) {
    Group group = flat(ranks);
    group.fabric = fabric;
    group.in.bytes_per_s = 300e9;
    double before = 0;
    for (double bytes = 1 << 10; bytes < 1e9; bytes *= 4) {
      const double s = collective_s(CollectiveOp::kAllReduce, bytes, group, families_of(fabric, "vllm_custom"));
      EXPECT_GT(s, before * 0.99) << ranks << " ranks, " << bytes;
      before = s;
    }
  }
}

}  // namespace
}  // namespace kerf
