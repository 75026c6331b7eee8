#include "kerf/io/topology/rocm_topology.h"

#include <gmock/gmock.h>

#include "tests/support/errors.h"

namespace kerf {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

const std::string kWeightTable =
    "================================ Weight between two GPUs =================================\n"
    "       GPU0         GPU1         GPU2\n"
    "GPU0   0            15           72\n"
    "GPU1   15           0            40\n"
    "GPU2   72           40           0\n\n";
const std::string kTypeTable =
    "=============================== Link Type between two GPUs ===============================\n"
    "       GPU0         GPU1         GPU2\n"
    "GPU0   0            XGMI         PCIE\n"
    "GPU1   XGMI         0            PCIE\n"
    "GPU2   PCIE         PCIE         0\n\n";
const std::string kNuma =
    "======================================= Numa Nodes =======================================\n"
    "GPU[0]\t\t: (Topology) Numa Node: 0\nGPU[0]\t\t: (Topology) Numa Affinity: 0\n"
    "GPU[1]\t\t: (Topology) Numa Node: 0\nGPU[2]\t\t: (Topology) Numa Node: 1\n";

TEST(RocmTopology, ReadsTypesAndNumaNodes) {
  const auto topology = parse_rocm_topology(kWeightTable + kTypeTable + kNuma, "t");
  ASSERT_TRUE(topology.ok()) << topology.error().message;
  EXPECT_EQ(topology->at(0, 1), (NodePath{PathClass::kBonded, 1}));
  EXPECT_EQ(topology->at(1, 2).path, PathClass::kSys);
  EXPECT_EQ(topology->gpus[2].numa, 1);
  const MachineSpec machine = machine_of(*topology, "MI300X").value();
  EXPECT_EQ(machine.links[0].gb_per_s, 64);
  EXPECT_EQ(machine.domains.size(), 2);
}

TEST(RocmTopology, WithoutNumaNodesTheWeightsTell) {
  const NodeTopology topology = parse_rocm_topology(kWeightTable + kTypeTable, "t").value();
  EXPECT_EQ(topology.at(1, 2).path, PathClass::kPhb);
  EXPECT_EQ(topology.at(0, 2).path, PathClass::kSys);
}

TEST(RocmTopology, RefusesWhatIsCutShort) {
  const std::string whole = kWeightTable + kTypeTable;
  EXPECT_THAT(error_of(parse_rocm_topology(kWeightTable, "t")), HasSubstr("no table 'Link Type between two GPUs'"));
  const std::string cut = whole.substr(0, whole.size() - 6);
  EXPECT_THAT(error_of(parse_rocm_topology(cut, "t")), HasSubstr("line 11: expected GPU2 with 3 cells"));
  EXPECT_THAT(error_of(parse_rocm_topology(whole.substr(0, whole.find("GPU2   PCIE")), "t")), HasSubstr("truncated"));
  std::string odd = kTypeTable;
  odd.replace(odd.find("XGMI"), 4, "WIFI");
  EXPECT_THAT(error_of(parse_rocm_topology(odd, "t")), HasSubstr("'WIFI' from GPU0 to GPU1"));
}

}  // namespace
}  // namespace kerf
