// The probe with sizes that take milliseconds: that every figure is there and positive, not how large it is.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "kerf/apps/probe/collective_probe.h"
#include "kerf/apps/probe/compute_probe.h"
#include "kerf/apps/probe/machine_of_ranks.h"
#include "kerf/io/topology/machine_json.h"

namespace kerf {
namespace {

CollectiveFigures probe_threads(int ranks) {
  const auto worlds = make_thread_worlds(ranks);
  CollectiveFigures figures;
  std::vector<std::thread> others;
  const CollectiveProbeOptions options{.budget_s = 0, .tiny = true};
  for (int r = 1; r < ranks; ++r) {
    others.emplace_back([&, r] { (void)probe_collectives(*worlds[static_cast<size_t>(r)], options); });
  }
  figures = probe_collectives(*worlds[0], options);
  for (std::thread& other : others) other.join();
  return figures;
}

TEST(ComputeProbe, MeasuresEveryFigure) {
  const HostFigures host = probe_compute({.budget_s = 0, .tiny = true, .cores = 2});
  EXPECT_TRUE(host.probed());
  EXPECT_EQ(host.cores, 2);
  EXPECT_EQ(host.read_gb_per_s.size(), 2U);
  std::set<std::string> formats;
  for (const MatmulPoint& point : host.matmul) {
    formats.insert(point.format);
    EXPECT_GT(point.gflops, 0) << point.format << " " << point.rows;
  }
  EXPECT_EQ(formats, (std::set<std::string>{"bf16", "f16", "f32", "int4", "int8"}));
  for (const AttentionPoint& point : host.attention) EXPECT_GT(point.us, 0);
  std::set<std::string> ops;
  for (const ElementCost& cost : host.elements) {
    ops.insert(cost.op);
    EXPECT_GE(cost.ns, 0) << cost.op;
  }
  for (const char* op : {"prepare_bf16", "prepare_f32", "norm", "add", "gate", "rope", "store", "store_shared", "embed",
                         "copy", "sample", "angle", "exchange"}) {
    EXPECT_TRUE(ops.contains(op)) << op;
  }
  EXPECT_GT(host.step_us, 0);
}

TEST(CollectiveProbe, MeasuresEveryCollectiveByRanks) {
  const CollectiveFigures figures = probe_threads(3);
  EXPECT_EQ(figures.hosts.size(), 3U);
  std::set<std::pair<std::string, int>> measured;
  for (const CollectiveCurve& curve : figures.collectives) {
    measured.emplace(curve.op, curve.ranks);
    EXPECT_EQ(curve.bytes.size(), curve.us.size());
    EXPECT_EQ(curve.transport, "shm");
  }
  for (const char* op : {"all_reduce", "reduce_scatter", "all_gather", "all_to_all", "broadcast"}) {
    EXPECT_TRUE(measured.contains({op, 2})) << op;
    EXPECT_TRUE(measured.contains({op, 3})) << op;
  }
  EXPECT_TRUE(measured.contains({"send", 2}));
  EXPECT_TRUE(measured.contains({"wake", 2}));
  EXPECT_FALSE(figures.pairs.empty());
}

TEST(MachineOfRanks, JoinsRanksOfOneHostByLinksAndHostsByANetwork) {
  CollectiveFigures figures;
  figures.hosts = {"a", "b", "a", "b"};  // as mpirun may number them
  for (int a = 0; a < 4; ++a) {
    for (int b = a + 1; b < 4; ++b) {
      const bool near = figures.hosts[static_cast<size_t>(a)] == figures.hosts[static_cast<size_t>(b)];
      figures.pairs.push_back({a, b, near ? 0.5 : 30.0, near ? 8.0 : 1.2});
    }
  }
  MachineSpec machine = machine_of_ranks(figures);
  add_compute(machine, probe_compute({.budget_s = 0, .tiny = true, .cores = 2}), 32e9);
  ASSERT_EQ(machine.num_nodes(), 2);
  ASSERT_EQ(machine.num_devices(), 4);
  EXPECT_EQ(machine.devices[1].node, 0) << "devices of a node stand together";
  ASSERT_EQ(machine.links.size(), 2U);
  EXPECT_EQ(machine.links[0].a, 0);
  EXPECT_EQ(machine.links[0].b, 1);
  EXPECT_DOUBLE_EQ(machine.links[0].gb_per_s, 8);
  ASSERT_EQ(machine.networks.size(), 1U);
  EXPECT_DOUBLE_EQ(machine.networks[0].latency_us, 30);
  EXPECT_EQ(machine.domains.size(), 2U);
  EXPECT_DOUBLE_EQ(machine.device_kinds[0].memory_bytes, 16e9) << "half of a host";

  const std::string text = machine_to_json(machine).dump();
  const Result<MachineSpec> read = parse_machine_json(text, "test");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->host.matmul.size(), machine.host.matmul.size());
  EXPECT_EQ(read->host.attention, machine.host.attention);
  EXPECT_EQ(read->links, machine.links);
  EXPECT_EQ(machine_to_json(*read)["host"]["fork_us"], machine_to_json(machine)["host"]["fork_us"]);
}

}  // namespace
}  // namespace kerf
