#include "kerf/io/topology/gpu_cluster.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "kerf/io/topology/domains.h"
#include "tests/support/errors.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Link& link_of(const MachineSpec& machine, int a, int b) {
  return *std::ranges::find_if(machine.links, [&](const Link& link) { return link.a == a && link.b == b; });
}

std::string kind_of(const MachineSpec& machine, int a, int b) {
  return machine.link_kinds[static_cast<size_t>(link_of(machine, a, b).kind)].name;
}

TEST(GpuCluster, EightH100AreOneNvSwitchIsland) {
  const MachineSpec machine = gpu_cluster({.gpu = "H100"}).value();
  EXPECT_THAT(machine.domains, ElementsAre(ElementsAre(0, 1, 2, 3, 4, 5, 6, 7)));
  EXPECT_EQ(classify_domain(machine, machine.domains[0]), DomainClass::kSwitch);
  EXPECT_EQ(link_of(machine, 0, 7).gb_per_s, 450);
  EXPECT_EQ(link_of(machine, 0, 7).width, 18);
  EXPECT_TRUE(machine.networks.empty());
}

TEST(GpuCluster, NodesAreJoinedByTheUsualNetworkWithANicPerGpu) {
  const MachineSpec machine = gpu_cluster({.gpu = "A100-80G-SXM", .gpus_per_node = 4, .nodes = 2}).value();
  EXPECT_THAT(machine.domains, ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
  ASSERT_EQ(machine.networks.size(), 1);
  EXPECT_EQ(machine.networks[0].name, "InfiniBand-HDR");
  EXPECT_EQ(machine.networks[0].gb_per_s_device, 25);
  EXPECT_EQ(machine.networks[0].gb_per_s_node, 100);
  EXPECT_EQ(machine.devices[5].name, "node1/GPU1");
}

TEST(GpuCluster, ATcpNetworkHasOnePortPerNode) {
  const MachineSpec machine = gpu_cluster({.gpu = "L40S", .gpus_per_node = 4, .nodes = 3, .network = "10GbE"}).value();
  EXPECT_EQ(machine.networks[0].gb_per_s_node, 1.25);
  EXPECT_EQ(machine.networks[0].gb_per_s_device, 1.25);
}

TEST(GpuCluster, CardsHaveNoFastFabric) {
  const MachineSpec machine = gpu_cluster({.gpu = "L40S"}).value();
  EXPECT_EQ(machine.domains.size(), 8);
  EXPECT_EQ(kind_of(machine, 0, 1), "PCIe4-PIX");
  EXPECT_EQ(kind_of(machine, 0, 2), "PCIe4-NODE");
  EXPECT_EQ(kind_of(machine, 3, 4), "PCIe4-SYS");
}

TEST(GpuCluster, V100sAreACubeMesh) {
  const MachineSpec machine = gpu_cluster({.gpu = "V100-32G-SXM"}).value();
  ASSERT_EQ(machine.domains.size(), 1);
  EXPECT_EQ(classify_domain(machine, machine.domains[0]), DomainClass::kCubeMesh);
  EXPECT_EQ(kind_of(machine, 0, 5), "PCIe3-SYS");
  EXPECT_EQ(link_of(machine, 0, 4).gb_per_s, 50);
}

TEST(GpuCluster, AMeshGivesEachPairALinkOfItsOwn) {
  const MachineSpec machine = gpu_cluster({.gpu = "MI300X"}).value();
  EXPECT_EQ(classify_domain(machine, machine.domains[0]), DomainClass::kMesh);
  EXPECT_EQ(link_of(machine, 0, 7).gb_per_s, 64);
}

TEST(GpuCluster, AnNvl72RackIsOneDomainAcrossItsTrays) {
  const MachineSpec machine = gpu_cluster({.gpu = "GB200", .gpus_per_node = 4, .nodes = 36}).value();
  ASSERT_EQ(machine.domains.size(), 2);
  EXPECT_EQ(machine.domains[0].size(), 72);
  EXPECT_EQ(classify_domain(machine, machine.domains[1]), DomainClass::kRack);
  EXPECT_EQ(machine.domains[1].front(), 72);
}

TEST(GpuCluster, MoreDevicesThanAFabricJoinsAreSeveralDomains) {
  const MachineSpec machine = gpu_cluster({.gpu = "H100-SXM", .gpus_per_node = 16}).value();
  EXPECT_EQ(machine.domains.size(), 2);
  EXPECT_EQ(kind_of(machine, 7, 8), "PCIe5-SYS");
}

TEST(GpuCluster, RefusesWhatCannotBe) {
  using kerf::testing::error_of;
  EXPECT_THAT(error_of(gpu_cluster({.gpu = "H10"})), HasSubstr("H100-SXM"));
  EXPECT_THAT(error_of(gpu_cluster({.gpus_per_node = 0})), HasSubstr("--gpus-per-node is 0; expected 1 to 256"));
  EXPECT_THAT(error_of(gpu_cluster({.nodes = 100000})), HasSubstr("--nodes is 100000"));
  EXPECT_THAT(error_of(gpu_cluster({.nodes = 2, .network = "NVLink4"})), HasSubstr("a link inside a machine"));
  EXPECT_THAT(error_of(gpu_cluster({.nodes = 2, .network = "InfiniBand"})), HasSubstr("InfiniBand-NDR"));
}

}  // namespace
}  // namespace kerf
