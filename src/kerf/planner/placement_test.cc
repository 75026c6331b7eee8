#include "kerf/planner/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace kerf {
namespace {

using ::testing::ElementsAre;

// Nodes of `per_node` equal devices; `domain` of them share a fast fabric.
MachineSpec cluster(int nodes, int per_node, int domain) {
  MachineSpec machine;
  machine.device_kinds = {{.name = "fast", .memory_gb_per_s = 2000}, {.name = "slow", .memory_gb_per_s = 500}};
  for (int node = 0; node < nodes; ++node) {
    machine.node_names.push_back("node" + std::to_string(node));
    for (int i = 0; i < per_node; ++i) {
      machine.devices.push_back({.name = "gpu", .kind = 0, .node = node, .numa = i * 2 / per_node});
    }
  }
  for (int first = 0; first < nodes * per_node; first += domain) {
    machine.domains.emplace_back(static_cast<size_t>(domain));
    std::iota(machine.domains.back().begin(), machine.domains.back().end(), first);
  }
  return machine;
}

TEST(Placer, PutsGroupsInsideDomainsBeforeItSplitsOne) {
  const MachineSpec machine = cluster(2, 8, 8);
  Placer placer(machine);
  const std::vector<TpGroup>& groups = placer.groups(3);
  ASSERT_EQ(groups.size(), 5u);  // 16 / 3
  EXPECT_THAT(groups[0].devices, ElementsAre(0, 1, 2));
  EXPECT_THAT(groups[1].devices, ElementsAre(3, 4, 5));
  EXPECT_THAT(groups[2].devices, ElementsAre(8, 9, 10));
  EXPECT_EQ(groups[3].closeness, Closeness::kDomain);
  EXPECT_THAT(groups[4].devices, ElementsAre(6, 7, 14));
  EXPECT_EQ(groups[4].closeness, Closeness::kCluster);
}

TEST(Placer, KeepsPairsOnOneSocketWhereNoFabricJoinsThem) {
  const MachineSpec machine = cluster(1, 8, 1);
  Placer placer(machine);
  for (const TpGroup& group : placer.groups(4)) EXPECT_EQ(group.closeness, Closeness::kSocket);
  EXPECT_EQ(placer.groups(8).front().closeness, Closeness::kNode);
}

TEST(Placer, UsesNoDeviceTwiceForAnySize) {
  const MachineSpec machine = cluster(3, 8, 4);
  Placer placer(machine);
  for (int tp = 1; tp <= 24; ++tp) {
    std::set<int> seen;
    for (const TpGroup& group : placer.groups(tp)) {
      EXPECT_EQ(group.devices.size(), static_cast<size_t>(tp));
      for (const int device : group.devices) EXPECT_TRUE(seen.insert(device).second) << "tp " << tp;
    }
    EXPECT_GT(static_cast<int>(seen.size()), 24 - tp) << "tp " << tp << " leaves a whole group idle";
  }
}

TEST(Placer, StagesOfAReplicaAreNeighbours) {
  const MachineSpec machine = cluster(2, 8, 8);
  Placer placer(machine);
  EXPECT_THAT(placer.place({.tp = 4, .pp = 2, .dp = 2}),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_TRUE(placer.place({.tp = 4, .pp = 5}).empty());
  EXPECT_EQ(placer.max_replicas(4, 3), 1);
}

TEST(Placer, FastDevicesComeFirstAndTheSlowestSetsTheSpeed) {
  MachineSpec machine = cluster(2, 4, 4);
  for (int i = 0; i < 4; ++i) machine.devices[static_cast<size_t>(i)].kind = 1;  // the first node is the slow one
  Placer placer(machine);
  EXPECT_FALSE(placer.uniform());
  EXPECT_THAT(placer.groups(4)[0].devices, ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(placer.stage_speeds({.tp = 4, .pp = 2}), ElementsAre(1.0, 0.25));
  EXPECT_TRUE(placer.rank_speeds({.tp = 4, .pp = 1}).empty());
  EXPECT_THAT(placer.rank_speeds({.tp = 8}), ElementsAre(1, 1, 1, 1, 0.25, 0.25, 0.25, 0.25));
}

TEST(Placer, FirstNodesAreEnoughToJudgeAReplica) {
  const MachineSpec machine = cluster(8, 8, 8);
  Placer placer(machine);
  EXPECT_EQ(placer.nodes_used({.tp = 8}), 1);
  EXPECT_EQ(placer.nodes_used({.tp = 3, .pp = 5}), 3);  // two groups of three in a node
  EXPECT_EQ(placer.nodes_used({.tp = 16, .pp = 2}), 4);
  const MachineSpec first = first_nodes(machine, 3);
  EXPECT_EQ(first.num_devices(), 24);
  EXPECT_EQ(first.num_nodes(), 3);
  EXPECT_EQ(first.domains.size(), 3u);
  Placer small(first);
  EXPECT_EQ(small.place({.tp = 3, .pp = 5}), placer.place({.tp = 3, .pp = 5}));

  MachineSpec mixed = machine;
  mixed.devices.back().kind = 1;
  EXPECT_EQ(Placer(mixed).nodes_used({.tp = 8}), 8);
}

TEST(ProportionalLayerCounts, GivesEveryLayerOnceAndEveryStageOne) {
  EXPECT_THAT(proportional_layer_counts(80, {1.0, 1.0, 1.0}), ElementsAre(27, 27, 26));
  EXPECT_THAT(proportional_layer_counts(80, {1.0, 0.25}), ElementsAre(64, 16));
  EXPECT_THAT(proportional_layer_counts(3, {1.0, 0.001, 1.0}), ElementsAre(1, 1, 1));
  for (int64_t layers = 8; layers < 100; ++layers) {
    const std::vector<int64_t> counts = proportional_layer_counts(layers, {1, 0.7, 0.3, 0.3, 0.01, 1, 0.5, 0.5});
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), layers);
    for (const int64_t count : counts) EXPECT_GE(count, 1);
  }
}

}  // namespace
}  // namespace kerf
