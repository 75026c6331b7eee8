#include "kerf/io/topology/nvidia_topology.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/errors.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

NodeTopology parse(const std::string& text) {
  auto topology = parse_nvidia_topology(text, "t.txt");
  EXPECT_TRUE(topology.ok()) << topology.error().message;
  return topology.ok() ? *topology : NodeTopology{};
}

std::string error_in(const std::string& text) { return error_of(parse_nvidia_topology(text, "t.txt")); }

const std::string kFour =
    "        GPU0    GPU1    GPU2    GPU3    NIC0    CPU Affinity    NUMA Affinity   GPU NUMA ID\n"
    "GPU0     X      NV4     PHB     SYS     PXB     0-7             0               N/A\n"
    "GPU1    NV4      X      NODE    SYS     PIX     0-7             0               N/A\n"
    "GPU2    PHB     NODE     X      NV4     SYS     8-15            1               N/A\n"
    "GPU3    SYS     SYS     NV4      X      SYS     8-15            1               N/A\n"
    "NIC0    PXB     PIX     SYS     SYS      X \n"
    "\nNIC Legend:\n\n  NIC0: mlx5_bond_0\n";

TEST(NvidiaTopology, ReadsPathsAffinitiesAndNics) {
  const NodeTopology topology = parse(kFour);
  ASSERT_EQ(topology.gpus.size(), 4);
  EXPECT_EQ(topology.at(0, 1), (NodePath{PathClass::kBonded, 4}));
  EXPECT_EQ(topology.at(0, 2).path, PathClass::kPhb);
  EXPECT_EQ(topology.at(1, 2).path, PathClass::kNode);
  EXPECT_EQ(topology.at(3, 0).path, PathClass::kSys);
  EXPECT_EQ(topology.gpus[2].numa, 1);
  EXPECT_EQ(topology.gpus[2].cpus, "8-15");
  ASSERT_EQ(topology.nics.size(), 1);
  EXPECT_EQ(topology.nics[0].name, "mlx5_bond_0");
  EXPECT_THAT(topology.nics[0].paths, ElementsAre("PXB", "PIX", "SYS", "SYS"));
}

TEST(NvidiaTopology, ReadsTabsAsTheToolPrintsThem) {
  const NodeTopology topology = parse(
      "\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\n"
      "GPU0\t X \tNV18\t0-63\t0\t\tN/A\n"
      "GPU1\tNV18\t X \t64-127\t1\t\tN/A\n");
  EXPECT_EQ(topology.at(0, 1).width, 18);
  EXPECT_EQ(topology.gpus[1].numa, 1);
}

TEST(NvidiaTopology, ReadsColoursCarriageReturnsAndTextAround) {
  const NodeTopology topology = parse(
      "\xef\xbb\xbf$ nvidia-smi topo -m\r\n"
      "\t\x1b[4mGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\x1b[0m\r\n"
      "GPU0\t\x1b[1;32m X \x1b[0m\tPIX\t0-7\t0\r\n"
      "GPU1\tPIX\t X \t0-7\t0\r\n\r\nLegend:\r\n  X    = Self\r\n$ exit\r\n");
  EXPECT_EQ(topology.at(1, 0).path, PathClass::kPix);
  EXPECT_EQ(topology.gpus[1].cpus, "0-7");
}

TEST(NvidiaTopology, TakesModelsFromTheListBefore) {
  const NodeTopology topology = parse(
      "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-6b8b)\nGPU 1: NVIDIA A100-SXM4-80GB\n\n"
      "        GPU0    GPU1\nGPU0     X      NV12\nGPU1    NV12     X\n");
  EXPECT_EQ(topology.gpus[0].model, "NVIDIA A100-SXM4-80GB");
  EXPECT_EQ(machine_of(topology, "").value().device_kinds[0].name, "A100-80G-SXM");
}

TEST(NvidiaTopology, ReadsOldDriversSoc) {
  EXPECT_EQ(parse("        GPU0    GPU1\nGPU0     X      SOC\nGPU1    SOC      X\n").at(0, 1).path, PathClass::kSys);
}

TEST(NvidiaTopology, ReadsAHeaderThatLostItsMarginAndAnEmptyAffinity) {
  const NodeTopology topology = parse(
      "GPU0    GPU1    CPU Affinity    NUMA Affinity\n"
      "GPU0     X      PHB             0-3\n"
      "GPU1    PHB      X              0-3\n");
  EXPECT_EQ(topology.gpus[0].cpus, "0-3");
  EXPECT_EQ(topology.gpus[0].numa, -1);
}

TEST(NvidiaTopology, TakesAnEmptyCellFromItsMirror) {
  const NodeTopology tabs = parse("\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \t\t0-7\nGPU1\tNV2\t X \t0-7\n");
  EXPECT_EQ(tabs.at(0, 1).width, 2);
  const NodeTopology blanks = parse(
      "        GPU0    GPU1    GPU2    CPU Affinity\n"
      "GPU0     X              PIX     0-7\n"
      "GPU1    NV2      X      SYS     0-7\n"
      "GPU2    PIX     SYS      X      0-7\n");
  EXPECT_EQ(blanks.at(0, 1).width, 2);
  EXPECT_EQ(blanks.at(0, 2).path, PathClass::kPix);
  EXPECT_EQ(blanks.gpus[0].cpus, "0-7");
}

TEST(NvidiaTopology, ReadsOneGpuAndSix) {
  EXPECT_EQ(parse("\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n").gpus.size(), 1);
  EXPECT_EQ(parse("\tGPU0\nGPU0\t X \n").gpus.size(), 1);
  std::string six = "\t";
  for (int i = 0; i < 6; ++i) six += fmt::format("GPU{}\t", i);
  for (int i = 0; i < 6; ++i) {
    six += fmt::format("\nGPU{}", i);
    for (int j = 0; j < 6; ++j) six += i == j ? "\t X " : "\tNV18";
  }
  EXPECT_EQ(parse(six).at(0, 5).width, 18);
}

TEST(NvidiaTopology, ColumnsLeftOutOnPurposeAreFine) {
  const NodeTopology topology =
      parse("        GPU0    GPU1    ...\nGPU0     X      NV4     ...\nGPU1    NV4      X      ...\n");
  EXPECT_EQ(topology.gpus.size(), 2);
}

// Whatever is cut off its end, either nothing that matters is missing or the line is named.
TEST(NvidiaTopology, RefusesEveryCutThatLosesAPath) {
  const NodeTopology whole = parse(kFour);
  const size_t last_cell = kFour.find("SYS      X \n\nNIC") + 10;
  for (size_t length = 0; length < kFour.size(); ++length) {
    const auto cut = parse_nvidia_topology(kFour.substr(0, length), "t.txt");
    if (length < last_cell) {
      ASSERT_FALSE(cut.ok()) << kFour.substr(0, length);
      EXPECT_THAT(cut.error().message, HasSubstr("t.txt: ")) << length;
    } else {
      ASSERT_TRUE(cut.ok()) << cut.error().message;
      EXPECT_EQ(cut->paths, whole.paths);
    }
  }
}

TEST(NvidiaTopology, NamesTheLineThatIsWrong) {
  const std::string head = "        GPU0    GPU1\nGPU0     X      NV4\n";
  EXPECT_THAT(error_in(head), AllOf(HasSubstr("t.txt: line 2: a row of GPU1 should follow"), HasSubstr("truncated")));
  EXPECT_THAT(error_in(head + "GPU1    NV4\n"), HasSubstr("line 3: GPU1 has 1 of 2 cells"));
  EXPECT_THAT(error_in(head + "GPU1    NV       X\n"), HasSubstr("line 3: 'NV' between GPU1 and GPU0 is no path"));
  EXPECT_THAT(error_in(head + "GPU1    NV2      X\n"), HasSubstr("line 3: the path between GPU1 and GPU0 is not"));
  EXPECT_THAT(error_in(head + "GPU1    NV4     NV4\n"), HasSubstr("X belongs on the diagonal"));
  EXPECT_THAT(error_in(head + "GPU1    NV4      X\n" + kFour), HasSubstr("line 4: a second matrix"));
  EXPECT_THAT(error_in("        GPU0    GPU1\nGPU0     X      OK\nGPU1    OK       X\n"), HasSubstr("topo -p2p"));
  EXPECT_THAT(error_in("\tGPU0\tGPU0\nGPU0\t X \tNV4\n"), HasSubstr("two columns 'GPU0'"));
  EXPECT_THAT(error_in("garbage\n\x01\x02"), HasSubstr("no header"));
  EXPECT_THAT(error_in(""), HasSubstr("no header"));
}

TEST(NvidiaTopology, SaysWhenItGuesses) {
  const MachineSpec machine = machine_of(parse("\tGPU0\tGPU1\nGPU0\t X \tNV12\nGPU1\tNV12\t X\n"), "").value();
  EXPECT_EQ(machine.links[0].gb_per_s, 300);
  EXPECT_THAT(machine.notes, ElementsAre(HasSubstr("NV12 is taken as NVLink3")));
  EXPECT_TRUE(machine_of(parse(kFour), "A40").value().notes.empty());
}

TEST(NvidiaTopology, CountsLinksByTheGenerationOfTheGpu) {
  const NodeTopology topology = parse("\tGPU0\tGPU1\nGPU0\t X \tNV18\nGPU1\tNV18\t X\n");
  EXPECT_EQ(machine_of(topology, "H100-SXM").value().links[0].gb_per_s, 450);
  EXPECT_EQ(machine_of(topology, "B200-SXM").value().links[0].gb_per_s, 900);
  EXPECT_EQ(machine_of(parse(kFour), "RTX-3090").value().links[0].gb_per_s, 56.25);
  EXPECT_THAT(machine_of(topology, "L40S").value().notes, ElementsAre(HasSubstr("L40S has no NVLink")));
}

}  // namespace
}  // namespace kerf
