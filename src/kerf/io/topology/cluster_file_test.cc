#include "kerf/io/topology/cluster_file.h"

#include <gmock/gmock.h>

#include "kerf/io/topology/machine_reader.h"
#include "tests/support/conformance.h"
#include "tests/support/errors.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

class ClusterFile : public ::testing::Test {
 protected:
  Result<MachineSpec> read(const std::string& yaml) {
    testing::write_file(dir_.path() / "c.yaml", yaml);
    return read_machine(dir_.path() / "c.yaml");
  }
  MachineSpec machine(const std::string& yaml) {
    auto result = read(yaml);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *result : MachineSpec{};
  }
  std::string error(const std::string& yaml) { return error_of(read(yaml)); }
  testing::TempDir dir_;
};

TEST_F(ClusterFile, JoinsNodesByNamedLinks) {
  testing::write_file(dir_.path() / "old.txt",
                      "\tGPU0\tGPU1\tNIC0\nGPU0\t X \tNV2\tPIX\nGPU1\tNV2\t X \tPIX\nNIC0\tPIX\tPIX\t X\n");
  const MachineSpec lab = machine(R"(
name: lab
nodes:
  - {name: dgx, count: 2, gpu: H100-SXM, gpus: 8}
  - name: old
    topo: old.txt
    gpu: V100-32G-SXM
networks:
  - {name: ib0, kind: InfiniBand-NDR, nodes: [dgx]}
  - {name: lan, kind: office-ethernet, gb_per_s: 1.1, latency_us: 45}
)");
  EXPECT_EQ(lab.name, "lab");
  EXPECT_THAT(lab.node_names, ElementsAre("dgx0", "dgx1", "old"));
  EXPECT_EQ(lab.num_devices(), 18);
  EXPECT_EQ(lab.devices[17].name, "old/GPU1");
  EXPECT_EQ(lab.domains.size(), 3);
  ASSERT_EQ(lab.networks.size(), 2);
  EXPECT_THAT(lab.networks[0].nodes, ElementsAre(0, 1));
  EXPECT_EQ(lab.networks[0].gb_per_s_node, 400);
  EXPECT_EQ(lab.networks[0].gb_per_s_device, 50);
  EXPECT_THAT(lab.networks[1].nodes, ElementsAre(0, 1, 2));
  EXPECT_EQ(lab.networks[1].gb_per_s_node, 1.1);
  EXPECT_EQ(lab.networks[1].latency_us, 45);
}

TEST_F(ClusterFile, AFastFabricMakesOneDomainOfItsNodes) {
  const MachineSpec rack = machine(R"(
nodes: [{name: tray, count: 18, gpu: GB200, gpus: 4}]
networks: [{kind: NVLink5}, {kind: InfiniBand-NDR, ports: 4}]
)");
  ASSERT_EQ(rack.domains.size(), 1);
  EXPECT_EQ(rack.domains[0].size(), 72);
  EXPECT_EQ(rack.networks[0].gb_per_s_device, 900);
  EXPECT_EQ(rack.networks[1].gb_per_s_node, 200);
}

TEST_F(ClusterFile, TheExampleInTheDocsIsOne) {
  const auto example = read_machine(testing::source_dir() / "docs" / "cluster.yaml");
  ASSERT_TRUE(example.ok()) << example.error().message;
  EXPECT_EQ(example->num_devices(), 20);
  EXPECT_EQ(example->networks.size(), 2);
}

TEST_F(ClusterFile, SaysWhatIsWrong) {
  const std::string node = "nodes: [{name: a, count: 2, gpu: L40S, gpus: 2}]\n";
  EXPECT_THAT(error(node), HasSubstr("no network joins a1 to a0"));
  EXPECT_THAT(error(node + "networks: [{kind: NVLink9}]"),
              HasSubstr("networks[0]: the catalogue has no link 'NVLink9'"));
  EXPECT_THAT(error(node + "networks: [{kind: RoCE-100G, nodes: [b]}]"), HasSubstr("'b', which is no node"));
  EXPECT_THAT(error(node + "networks: [{kind: RoCE-100G, speed: 3}]"), HasSubstr("unknown field 'speed'"));
  EXPECT_THAT(error(node + "colour: red"), HasSubstr("unknown field 'colour'"));
  EXPECT_THAT(error("nodes: [{name: a, gpu: L400, gpus: 2}]"), HasSubstr("nodes[0]: the catalogue has no GPU 'L400'"));
  EXPECT_THAT(error("nodes: [{name: a, gpus: 2}]"), HasSubstr("'gpu' is missing"));
  EXPECT_THAT(error("nodes: [{name: a, gpu: L40S, gpus: 0}]"), HasSubstr("'gpus' is 0"));
  EXPECT_THAT(error("nodes: [{name: a, topo: none.txt}]"), HasSubstr("none.txt: no such file"));
  EXPECT_THAT(error("nodes: [{name: a, topo: c.yaml}]"), HasSubstr("a cluster file inside a cluster file"));
  EXPECT_THAT(error("nodes: []"), HasSubstr("c.yaml: 'nodes'"));
  EXPECT_THAT(error("nodes: [{name: a"), HasSubstr("c.yaml: not valid YAML at line 1"));
  EXPECT_THAT(error("nodes: 1\nnodes: 2"), HasSubstr("line 2: 'nodes' twice"));
  EXPECT_THAT(error("nodes: &a [*a]"), HasSubstr("c.yaml"));
  EXPECT_THAT(error("hello"), HasSubstr("no machine in it; expected what nvidia-smi topo -m"));
}

}  // namespace
}  // namespace kerf
