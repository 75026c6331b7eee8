// The link of a group: the worst one on the path that its collectives really use.
//
// Devices of one node. A ring runs over the group's best cycle, the one whose worst link is best: of a V100 cube mesh
// {0,1,2,3} stays on NVLink and {0,5} crosses sockets. Bonded links let several rings run beside each other, in both
// directions, so a group's bandwidth is that of the rings together: 6 · 25 GB/s for the whole cube mesh, 7 · 64 for
// eight MI300X. Behind a switch each device's whole bandwidth is one ring's.
//
// Several nodes. Rings go through each node and over a network between them: of the networks that all the group's nodes
// have in common, the one with the most bandwidth, shared by the group's devices of a node.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "kerf/spec/machine_spec.h"

namespace kerf {

struct GroupLink {
  int kind = -1;          // index of MachineSpec::link_kinds, of the worst link; -1 = a group of one, or unreachable
  int width = 0;          // bonded links between neighbours of the best ring; 0 = does not apply
  double gb_per_s = 0;    // per direction and device, all rings together; 0 = unreachable
  double latency_us = 0;  // of one step
  bool fast = false;      // the whole way is fast fabric
  bool any_two =
      false;      // any two members talk as fast as neighbours do: a switch or one network (NVLS, direct all-reduce)
  int nodes = 1;  // that the group spans
  bool operator==(const GroupLink&) const = default;
};

// A group cut where its fabric ends, for hierarchical collectives: parts that fast links (or else a node) hold
// together, and the link between parts. inner is the worst of the parts', of parts of at least two.
struct GroupLevels {
  GroupLink inner;
  GroupLink outer;  // kind -1 when there is one part
  int parts = 1;
  int smallest_part = 1;
  int largest_part = 1;
};

// Answers for one machine; keeps no reference to it. Building it is O(devices + links).
//
// of(): a group within one node whose links are alike is O(size²) comparisons, less when the whole node is uniform
// (O(size)); any other is searched once (exact to about ten devices, then as good as a bounded search finds) and kept,
// for all nodes alike. Across nodes it is that for each node. worst_of_partition() asks for each of its groups once and
// keeps the answer: O(total) at first, O(log) again. Threading: const functions may be called from several threads.
class GroupLinks {
 public:
  explicit GroupLinks(const MachineSpec& machine);

  // One group that has the machine to itself. REQUIRES: devices are distinct and of the machine
  [[nodiscard]] GroupLink of(std::span<const int> devices) const;
  [[nodiscard]] GroupLevels levels(std::span<const int> devices) const;

  // The worst group of a partition in which all communicate at once and so share the nodes' network: devices [0, total)
  // in groups of `count` at distance `stride` (tp: stride 1; pp: stride tp; …); a block of count · stride devices holds
  // `stride` groups. REQUIRES: count · stride divides total
  [[nodiscard]] GroupLink worst_of_partition(int total, int count, int stride = 1) const;
  [[nodiscard]] GroupLevels worst_levels_of_partition(int total, int count, int stride = 1) const;

 private:
  struct Edge {
    int kind = -1;
    int width = 0;
    double gb_per_s = 0;
    double latency_us = 0;
    bool operator==(const Edge&) const = default;
  };
  // The links inside a node; nodes alike share one.
  struct Pattern {
    size_t size = 0;
    std::vector<Edge> edges;  // [size, size]
    bool uniform = true;      // all pairs alike
    bool switched = false;    // a device's links add up to more than it has: they go through a switch
    [[nodiscard]] const Edge& at(int a, int b) const {
      return edges[static_cast<size_t>(a) * size + static_cast<size_t>(b)];
    }
    bool operator==(const Pattern&) const = default;
  };
  using Matrix = std::vector<Edge>;  // [members, members]

  // share: of a node's network, that the group may use.
  [[nodiscard]] GroupLink link_of(std::span<const int> devices, bool shared) const;
  [[nodiscard]] GroupLink within_node(int pattern, const std::vector<int>& places) const;
  [[nodiscard]] GroupLink alike(const Pattern& pattern, const Edge& edge, size_t members) const;
  [[nodiscard]] GroupLink search(const Pattern& pattern, const std::vector<int>& places) const;
  [[nodiscard]] GroupLink network_link(const std::map<int, std::vector<int>>& places, bool shared) const;
  [[nodiscard]] GroupLevels levels_of(std::span<const int> devices, bool shared) const;
  [[nodiscard]] bool is_fast(int kind) const { return kinds_[static_cast<size_t>(kind)].fast; }

  std::vector<LinkKind> kinds_;
  std::vector<Network> networks_;
  std::vector<std::vector<bool>> on_network_;  // [networks][nodes]
  std::vector<int> node_of_;                   // [devices]
  std::vector<int> place_of_;                  // [devices]: in its node
  std::vector<int> domain_of_;                 // [devices]
  std::vector<int> size_of_;                   // [nodes]: its devices
  std::vector<int> pattern_of_;                // [nodes]
  std::vector<Pattern> patterns_;

  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, std::vector<int>>, GroupLink> searched_;
  mutable std::map<std::array<int, 3>, GroupLevels> partitions_;
};

// The group's link on a machine that is asked once.
[[nodiscard]] GroupLink group_link(const MachineSpec& machine, std::span<const int> devices);

}  // namespace kerf
