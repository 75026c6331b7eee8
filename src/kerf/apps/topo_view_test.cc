#include "kerf/apps/topo_view.h"

#include <gmock/gmock.h>

#include "kerf/io/topology/gpu_cluster.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TopoView, DrawsDevicesLinksAndDomains) {
  const std::string text = draw_machine(gpu_cluster({.gpu = "V100-16G-SXM"}).value());
  EXPECT_THAT(text, AllOf(HasSubstr("GPU0  X     NV1   NV1   NV2   NV2   SYS   SYS   SYS"),
                          HasSubstr("NV2  NVLink2    50 GB/s  0.6 us\n"), HasSubstr("SYS  PCIe3-SYS  10 GB/s"),
                          HasSubstr("{0-7}  cube mesh: rings, but not any two"), HasSubstr("tree\n  node\n")));
}

TEST(TopoView, NodesAlikeAreDrawnOnce) {
  const std::string text = draw_machine(gpu_cluster({.gpu = "L40S", .gpus_per_node = 2, .nodes = 3}).value());
  EXPECT_THAT(text, AllOf(HasSubstr("in each of 3 nodes, node0 and so on:"), Not(HasSubstr("in node1")),
                          HasSubstr("Ethernet-100G"), HasSubstr("{0} {1} {2} {3} {4} {5}  single: no fast link")));
}

TEST(TopoView, StaysShortForLargeMachines) {
  const std::string text = draw_machine(gpu_cluster({.gpu = "H100", .gpus_per_node = 8, .nodes = 512}).value());
  EXPECT_LT(std::ranges::count(text, '\n'), 300);
  EXPECT_THAT(text, AllOf(HasSubstr("4096 in all"), HasSubstr("512 such  switch")));
}

TEST(TopoView, WritesRanges) {
  EXPECT_EQ(ranges_of({0, 1, 2, 5, 7, 8}), "0-2,5,7,8");
  EXPECT_EQ(ranges_of({}), "");
}

}  // namespace
}  // namespace kerf
