#include "kerf/io/topology/group_links.h"

#include <gmock/gmock.h>

#include <numeric>

#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/io/topology/nvidia_topology.h"

namespace kerf {
namespace {

std::vector<int> first(int count) {
  std::vector<int> devices(static_cast<size_t>(count));
  std::iota(devices.begin(), devices.end(), 0);
  return devices;
}

struct Asked {
  explicit Asked(MachineSpec spec) : machine(std::move(spec)), links(machine) {}
  explicit Asked(const ClusterShape& shape) : Asked(gpu_cluster(shape).value()) {}
  std::string kind(const std::vector<int>& devices) const {
    const GroupLink link = links.of(devices);
    return link.kind < 0 ? "none" : machine.link_kinds[static_cast<size_t>(link.kind)].name;
  }
  double gb_per_s(const std::vector<int>& devices) const { return links.of(devices).gb_per_s; }
  MachineSpec machine;
  GroupLinks links;
};

TEST(GroupLinks, ASwitchGivesEachDeviceItsWholeBandwidth) {
  const Asked h100({.gpu = "H100-SXM"});
  for (const int size : {2, 3, 8}) EXPECT_EQ(h100.gb_per_s(first(size)), 450) << size;
  EXPECT_TRUE(h100.links.of(first(8)).fast);
  EXPECT_TRUE(h100.links.of(first(8)).any_two);
  EXPECT_EQ(h100.links.of(first(1)).kind, -1);
}

TEST(GroupLinks, ACubeMeshIsAsGoodAsTheBestRingThroughIt) {
  const Asked v100({.gpu = "V100-16G-SXM"});
  EXPECT_EQ(v100.kind({0, 1, 2, 3}), "NVLink2");
  EXPECT_EQ(v100.gb_per_s({0, 1}), 25);
  EXPECT_EQ(v100.gb_per_s({0, 3}), 50);
  EXPECT_EQ(v100.gb_per_s({0, 1, 2, 3}), 100);
  EXPECT_EQ(v100.kind({0, 1, 5, 4}), "NVLink2");
  EXPECT_EQ(v100.gb_per_s(first(8)), 150) << "six links of 25 GB/s";
  EXPECT_EQ(v100.kind({0, 5}), "PCIe3-SYS");
  EXPECT_FALSE(v100.links.of(std::vector<int>{0, 5}).fast);
  EXPECT_EQ(v100.kind({0, 1, 6}), "PCIe3-SYS");
}

TEST(GroupLinks, AMeshAddsUpTheLinksToTheOthers) {
  const Asked mi300({.gpu = "MI300X"});
  EXPECT_EQ(mi300.gb_per_s(first(2)), 64);
  EXPECT_EQ(mi300.gb_per_s(first(4)), 192);
  EXPECT_EQ(mi300.gb_per_s(first(8)), 448);
}

TEST(GroupLinks, DistancesOverPcieDiffer) {
  const Asked l40s({.gpu = "L40S"});
  EXPECT_EQ(l40s.kind({0, 1}), "PCIe4-PIX");
  EXPECT_EQ(l40s.kind({0, 2}), "PCIe4-NODE");
  EXPECT_EQ(l40s.kind({0, 4}), "PCIe4-SYS");
  EXPECT_EQ(l40s.kind({0, 1, 2, 3}), "PCIe4-NODE");
  EXPECT_EQ(l40s.kind(first(8)), "PCIe4-SYS");
}

TEST(GroupLinks, BridgedPairsAreFastInsideAndSlowBetween) {
  const auto topology = parse_nvidia_topology(
      "\tGPU0\tGPU1\tGPU2\tGPU3\nGPU0\t X \tNV12\tSYS\tSYS\nGPU1\tNV12\t X \tSYS\tSYS\n"
      "GPU2\tSYS\tSYS\t X \tNV12\nGPU3\tSYS\tSYS\tNV12\t X\n",
      "t");
  const Asked azure(machine_of(*topology, "A100-80G-PCIe").value());
  EXPECT_EQ(azure.gb_per_s({2, 3}), 300);
  EXPECT_EQ(azure.kind(first(4)), "PCIe4-SYS");
  const GroupLevels levels = azure.links.levels(first(4));
  EXPECT_EQ(levels.parts, 2);
  EXPECT_EQ(levels.inner.gb_per_s, 300);
  EXPECT_EQ(levels.outer.gb_per_s, 16);
}

TEST(GroupLinks, BetweenNodesTheNetworkIsTheLink) {
  const Asked two({.gpu = "H100-SXM", .gpus_per_node = 8, .nodes = 2});
  EXPECT_EQ(two.kind({0, 8}), "InfiniBand-NDR");
  EXPECT_EQ(two.gb_per_s({0, 8}), 50);
  EXPECT_EQ(two.gb_per_s(first(16)), 400) << "eight rings leave by eight cards";
  EXPECT_EQ(two.links.of(first(16)).nodes, 2);
  EXPECT_FALSE(two.links.of(first(16)).fast);
  const GroupLevels levels = two.links.levels(first(16));
  EXPECT_EQ(levels.parts, 2);
  EXPECT_EQ(levels.smallest_part, 8);
  EXPECT_EQ(levels.inner.gb_per_s, 450);
}

TEST(GroupLinks, GroupsOfAPartitionShareANodesCards) {
  const Asked tcp({.gpu = "L40S", .gpus_per_node = 4, .nodes = 2, .network = "Ethernet-100G"});
  EXPECT_EQ(tcp.gb_per_s({0, 4}), 12.5);
  EXPECT_EQ(tcp.links.worst_of_partition(8, 2, 4).gb_per_s, 12.5 / 4);
  const Asked ib({.gpu = "H100-SXM", .gpus_per_node = 8, .nodes = 2});
  EXPECT_EQ(ib.links.worst_of_partition(16, 2, 8).gb_per_s, 50);
  EXPECT_EQ(ib.links.worst_of_partition(16, 8).gb_per_s, 450);
}

TEST(GroupLinks, ARackIsFastAcrossItsNodes) {
  const Asked rack({.gpu = "GB200", .gpus_per_node = 4, .nodes = 36});
  EXPECT_EQ(rack.gb_per_s(first(72)), 900);
  EXPECT_TRUE(rack.links.of(first(72)).fast);
  EXPECT_EQ(rack.kind(first(76)), "InfiniBand-NDR");
}

TEST(GroupLinks, NodesThatNothingJoinsAreUnreachable) {
  MachineSpec machine = gpu_cluster({.gpus_per_node = 2, .nodes = 2}).value();
  machine.networks.clear();
  EXPECT_EQ(GroupLinks(machine).of(first(4)).gb_per_s, 0);
}

TEST(GroupLinks, OddPlacesOfAPartitionCountToo) {
  const Asked v100({.gpu = "V100-16G-SXM"});
  EXPECT_EQ(v100.links.worst_of_partition(8, 4).gb_per_s, 100);
  EXPECT_EQ(v100.links.worst_of_partition(8, 2).gb_per_s, 25);
  const Asked many({.gpu = "H100-SXM", .gpus_per_node = 8, .nodes = 512});
  EXPECT_EQ(many.links.worst_of_partition(4096, 8).gb_per_s, 450);
  EXPECT_EQ(many.links.worst_levels_of_partition(4096, 16).parts, 2);
}

}  // namespace
}  // namespace kerf
