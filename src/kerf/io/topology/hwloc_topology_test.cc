#include "kerf/io/topology/hwloc_topology.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "kerf/io/topology/domains.h"
#include "tests/support/conformance.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

// Two NUMA nodes of one core each, the first with two GPUs behind one PCIe switch; as hwloc 2 exports it.
std::string export_of(const std::string& gpus) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
 <object type="Machine" os_index="0" cpuset="0x3" complete_cpuset="0x3" allowed_cpuset="0x3" nodeset="0x3" complete_nodeset="0x3" allowed_nodeset="0x3" gp_index="1">
  <object type="Package" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="2">
   <info name="CPUModel" value="Abacus 3000"/>
   <object type="NUMANode" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="3" local_memory="1073741824"/>
   <object type="Core" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="4">
    <object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="5"/>
   </object>)" +
         gpus + R"(
  </object>
  <object type="Package" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" complete_nodeset="0x2" gp_index="6">
   <object type="NUMANode" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" complete_nodeset="0x2" gp_index="7" local_memory="2147483648"/>
   <object type="Core" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" complete_nodeset="0x2" gp_index="8">
    <object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0x2" complete_nodeset="0x2" gp_index="9"/>
   </object>
  </object>
 </object>
</topology>
)";
}

std::string bridge(int id, const std::string& attributes, const std::string& inside) {
  return fmt::format(R"(<object type="Bridge" gp_index="{}" {}>{}</object>)", id, attributes, inside);
}

std::string gpu(int id, int bus) {
  return bridge(
      id + 50,
      fmt::format(
          R"(bridge_type="1-1" depth="2" bridge_pci="0000:[{0:02x}-{0:02x}]" pci_busid="0000:02:{0:02x}.0" pci_type="0604 [10b5:8747] [0000:0000] 00 00" pci_link_speed="0")",
          bus),
      fmt::format(
          R"(<object type="PCIDev" gp_index="{}" pci_busid="0000:{:02x}:00.0" pci_type="0302 [10de:20b0] [10de:134f] a1 00" pci_link_speed="0"/>)",
          id, bus));
}

TEST(Hwloc, NumaNodesAreDevicesWhereThereIsNoGpu) {
  const auto host = parse_hwloc_xml(export_of(""), "m.xml");
  ASSERT_TRUE(host.ok()) << host.error().message;
  const MachineSpec& machine = host->machine;
  ASSERT_EQ(machine.num_devices(), 2);
  EXPECT_EQ(machine.devices[1].name, "numa1");
  EXPECT_EQ(machine.devices[1].cpus, "1");
  EXPECT_EQ(machine.device_kinds[0].name, "cpu");
  EXPECT_EQ(machine.device_kinds[0].memory_bytes, 1073741824);
  EXPECT_EQ(machine.domains.size(), 1) << "cores of one host share memory";
  EXPECT_THAT(host->tree, Contains(HasSubstr("Abacus 3000")));
  EXPECT_THAT(host->tree, Contains(HasSubstr("NUMA node 1: 2.147 GB, 1 core, CPUs 1")));
}

TEST(Hwloc, GpusOfOneSwitchArePix) {
  const std::string tree = bridge(
      20, R"(bridge_type="0-1" depth="0" bridge_pci="0000:[01-05]")",
      bridge(
          21,
          R"(bridge_type="1-1" depth="1" bridge_pci="0000:[02-05]" pci_busid="0000:01:00.0" pci_type="0604 [10b5:8747] [0000:0000] 00 00" pci_link_speed="0")",
          gpu(22, 3) + gpu(23, 4)));
  const auto host = parse_hwloc_xml(export_of(tree), "m.xml", "A100-80G-PCIe");
  ASSERT_TRUE(host.ok()) << host.error().message;
  ASSERT_EQ(host->machine.num_devices(), 2);
  EXPECT_EQ(host->machine.devices[0].numa, 0);
  EXPECT_EQ(host->machine.link_kinds.at(0).name, "PCIe4-PIX");
}

TEST(Hwloc, RefusesWhatIsNoExport) {
  EXPECT_THAT(error_of(parse_hwloc_xml("<html></html>", "m.xml")), HasSubstr("m.xml: hwloc cannot read this XML"));
  EXPECT_THAT(error_of(parse_hwloc_xml("", "m.xml")), HasSubstr("m.xml"));
  const std::string whole = export_of("");
  EXPECT_FALSE(parse_hwloc_xml(whole.substr(0, whole.size() / 2), "m.xml").ok());
}

TEST(Hwloc, ReadsThisHost) {
  const auto host = read_this_host();
  ASSERT_TRUE(host.ok()) << host.error().message;
  EXPECT_GE(host->machine.num_devices(), 1);
  EXPECT_GE(host->tree.size(), 3);
}

TEST(HwlocConformance, FindsThePairsOfAPower8) {
  KERF_REQUIRE_CONFORMANCE("topo/hwloc/power8gpudistances.xml");
  const std::string text = testing::read_file(testing::conformance_dir() / "topo/hwloc/power8gpudistances.xml");
  const auto host = parse_hwloc_xml(text, "p8.xml");
  ASSERT_TRUE(host.ok()) << host.error().message;
  const MachineSpec& machine = host->machine;
  EXPECT_EQ(machine.device_kinds.at(0).name, "P100-16G-SXM");
  EXPECT_THAT(machine.domains, ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3)));
  EXPECT_EQ(machine.links[0].gb_per_s, 40);
  EXPECT_EQ(machine.links[0].width, 2);
  EXPECT_EQ(machine.devices[2].numa, 1);
}

// The file systems of machines, as hwloc's own tests hold them.
class HwlocRoot : public ::testing::TestWithParam<std::pair<const char*, std::vector<double>>> {};

TEST_P(HwlocRoot, GivesTheNumaNodesOfAnotherMachine) {
  const auto& [name, memory_gib] = GetParam();
  const auto archive = testing::conformance_dir() / "topo/hwloc" / (std::string(name) + ".tar.bz2");
  if (!std::filesystem::exists(archive)) GTEST_SKIP() << "no conformance data at " << archive;
  const testing::TempDir dir;
  const std::string unpack = fmt::format("tar xjf '{}' -C '{}' 2>/dev/null", archive.string(), dir.path().string());
  if (std::system(unpack.c_str()) != 0) GTEST_SKIP() << "cannot unpack " << archive;
  setenv("HWLOC_FSROOT", (dir.path() / name).c_str(), 1);
  setenv("HWLOC_THISSYSTEM", "0", 1);
  const auto host = read_this_host();
  unsetenv("HWLOC_FSROOT");
  unsetenv("HWLOC_THISSYSTEM");
  ASSERT_TRUE(host.ok()) << host.error().message;
  ASSERT_EQ(host->machine.devices.size(), memory_gib.size());
  EXPECT_NEAR(host->machine.device_kinds[0].memory_bytes / (1 << 30), std::ranges::min(memory_gib), 1);
}

INSTANTIATE_TEST_SUITE_P(Conformance, HwlocRoot,
                         ::testing::Values(std::pair("nvidia-dgx-gb10", std::vector<double>{119.7}),
                                           std::pair("nvidiagpunumanodes", std::vector<double>{124, 124})));

}  // namespace
}  // namespace kerf
