// Topologies of real machines, against domains found by hand.
#include "tests/support/conformance.h"

#include <gmock/gmock.h>

#include <map>

#include "kerf/io/topology/domains.h"
#include "kerf/io/topology/machine_reader.h"
#include "tests/support/errors.h"

namespace kerf {
namespace {

using Domains = std::vector<std::vector<int>>;

struct Expected {
  const char* file;
  Domains domains;
  DomainClass domain_class;  // of the largest
  double gb_per_s;           // of the link between devices 0 and 1; 0 = one device
  const char* gpu = "";
};

Domains one_of(int count) {
  Domains domains(1);
  for (int device = 0; device < count; ++device) domains[0].push_back(device);
  return domains;
}

Domains singles(int count) {
  Domains domains;
  for (int device = 0; device < count; ++device) domains.push_back({device});
  return domains;
}

const Domains kPairs8 = {{0, 1}, {2, 3}, {4, 5}, {6, 7}};

const Expected kExpected[] = {
    {"a100_hgx_8gpu_npS4_mlx.txt", one_of(8), DomainClass::kSwitch, 300},
    {"a100_p4d_8gpu.txt", one_of(8), DomainClass::kSwitch, 300, "A100-40G-SXM"},
    {"a100_sxm_8gpu_8nic.txt", one_of(8), DomainClass::kSwitch, 300},
    {"a40_8gpu_bridge_pairs.txt", kPairs8, DomainClass::kPair, 56.25},
    {"a40_8gpu_bridge_pairs.txt", kPairs8, DomainClass::kPair, 56.25, "A40"},
    {"aws_g_4gpu_pcie_node.txt", singles(4), DomainClass::kSingle, 23.6},
    {"azure_nc96ads_a100_4gpu_bridge_pairs.txt", {{0, 1}, {2, 3}}, DomainClass::kPair, 300, "A100-80G-PCIe"},
    {"b300_8gpu_8nic_spaces.txt", one_of(8), DomainClass::kSwitch, 450},
    {"b300_8gpu_8nic_spaces.txt", one_of(8), DomainClass::kSwitch, 900, "B300-SXM"},
    {"gb200_4gpu.txt", one_of(4), DomainClass::kSwitch, 900, "GB200"},
    {"h100_6gpu_2nic.txt", one_of(6), DomainClass::kSwitch, 450},
    {"h100_8gpu_vm_rawtabs.txt", one_of(8), DomainClass::kSwitch, 450},
    {"h20_8gpu_8nic.txt", one_of(8), DomainClass::kSwitch, 450, "H20"},
    {"pcie_4gpu_phb_sys_rawtabs.txt", singles(4), DomainClass::kSingle, 26.25},
    {"power9_3gpu_nv2.txt", one_of(3), DomainClass::kMesh, 50},
    {"rocm_4gpu_xgmi_numa_each.txt", one_of(4), DomainClass::kMesh, 64},
    {"rocm_4gpu_xgmi_numa_each.txt", one_of(4), DomainClass::kMesh, 128, "MI300A"},
    {"rocm_mi308x_8gpu_xgmi.txt", one_of(8), DomainClass::kMesh, 64, "MI308X"},
    {"rtx3090_2gpu_bridge.txt", one_of(2), DomainClass::kPair, 56.25},
    {"rtx4090_8gpu.txt", singles(8), DomainClass::kSingle, 23.6},
    {"single_gpu_rawtabs.txt", singles(1), DomainClass::kSingle, 0},
    {"stas00_h100_8gpu.txt", one_of(8), DomainClass::kSwitch, 450},
    {"t4_2gpu_phb.txt", singles(2), DomainClass::kSingle, 13.1, "T4"},
    {"tencent_8gpu_node_pix.txt", singles(8), DomainClass::kSingle, 23.6},
    {"v100_sxm2_8gpu_hybrid_cube_mesh_1nic.txt", one_of(8), DomainClass::kCubeMesh, 25},
};

TEST(TopologyConformance, FindsTheDomainsOfRealMachines) {
  KERF_REQUIRE_CONFORMANCE("topo");
  for (const Expected& expected : kExpected) {
    SCOPED_TRACE(expected.file);
    const auto machine = read_machine(testing::conformance_dir() / "topo" / expected.file, {.gpu = expected.gpu});
    ASSERT_TRUE(machine.ok()) << machine.error().message;
    EXPECT_EQ(machine->domains, expected.domains);
    EXPECT_EQ(classify_domain(*machine, machine->domains[0]), expected.domain_class);
    if (expected.gb_per_s == 0) {
      EXPECT_TRUE(machine->links.empty());
    } else {
      EXPECT_DOUBLE_EQ(machine->links.at(0).gb_per_s, expected.gb_per_s);
    }
  }
}

TEST(TopologyConformance, EveryTextIsExpected) {
  KERF_REQUIRE_CONFORMANCE("topo");
  for (const auto& entry : std::filesystem::directory_iterator(testing::conformance_dir() / "topo")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".txt" || name == "pcie_8gpu_pix_pxb_no_numa.txt") continue;
    EXPECT_TRUE(std::ranges::any_of(kExpected, [&](const Expected& expected) { return expected.file == name; }))
        << name << " has no expectation";
  }
}

// It ends within GPU6's row: "PX".
TEST(TopologyConformance, RefusesTheOneThatIsCutShort) {
  KERF_REQUIRE_CONFORMANCE("topo");
  const auto machine = read_machine(testing::conformance_dir() / "topo" / "pcie_8gpu_pix_pxb_no_numa.txt");
  EXPECT_THAT(testing::error_of(machine), ::testing::HasSubstr("line 8: 'PX' between GPU6 and GPU7"));
}

TEST(TopologyConformance, ReadsAffinitiesAndNics) {
  KERF_REQUIRE_CONFORMANCE("topo");
  const auto topo = testing::conformance_dir() / "topo";
  const MachineSpec hgx = read_machine(topo / "a100_hgx_8gpu_npS4_mlx.txt").value();
  EXPECT_EQ(hgx.devices[4].numa, 7);
  EXPECT_EQ(hgx.devices[4].cpus, "112-127");
  ASSERT_EQ(hgx.nics.size(), 1);
  EXPECT_EQ(hgx.nics[0].paths[2], "PXB");
  const MachineSpec b300 = read_machine(topo / "b300_8gpu_8nic_spaces.txt").value();
  EXPECT_EQ(b300.nics.at(7).name, "mlx5_bond_7");
  EXPECT_EQ(read_machine(topo / "t4_2gpu_phb.txt").value().devices[0].numa, -1);
  EXPECT_EQ(read_machine(topo / "gb200_4gpu.txt").value().devices[3].numa, 1);
  EXPECT_EQ(read_machine(topo / "rocm_mi308x_8gpu_xgmi.txt").value().devices[5].numa, 1);
}

}  // namespace
}  // namespace kerf
