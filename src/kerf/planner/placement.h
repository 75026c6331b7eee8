// Placement: which device each rank of a plan sits on. TP groups fill fast-fabric domains first, then sockets, nodes
// and what is left over; the stages of a replica are neighbours. Devices may stay idle. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "kerf/spec/machine_spec.h"
#include "kerf/spec/model_shape.h"
#include "kerf/spec/plan.h"

namespace kerf {

// How close the devices of a TP group are, closest first.
enum class Closeness : uint8_t { kDomain, kSocket, kNode, kCluster };

struct TpGroup {
  std::vector<int> devices;  // [tp] indices of MachineSpec::devices
  Closeness closeness = Closeness::kDomain;
};

class Placer {
 public:
  // Keeps a reference. Without MachineSpec::domains every device counts as a domain of its own.
  explicit Placer(const MachineSpec& machine);

  // All the groups of `tp` devices that the machine holds without overlap: closest first, among those the fastest
  // devices first, among those in the machine's order. Kept for the next call. Threading: one caller at a time.
  [[nodiscard]] const std::vector<TpGroup>& groups(int tp);

  // The device of every rank, [dp * pp * tp]: rank = (replica * pp + stage) * tp + tp_rank. Empty when they don't fit.
  [[nodiscard]] std::vector<int> place(const Plan& plan);

  // How many replicas of tp · pp ranks there is room for.
  [[nodiscard]] int max_replicas(int tp, int pp) { return static_cast<int>(groups(tp).size()) / pp; }

  // All devices are of one kind.
  [[nodiscard]] bool uniform() const { return uniform_; }

  // How many of the first nodes a plan's ranks are on, where every node is like every other: what is true of the plan
  // on the machine is true on first_nodes() of it. Otherwise all nodes.
  [[nodiscard]] int nodes_used(const Plan& plan);

  // What one device does for decode, relative to the fastest of the machine: 1 on a uniform one.
  [[nodiscard]] double speed(int device) const;

  // Of each stage, [pp]: the slowest device that any replica puts there.
  [[nodiscard]] std::vector<double> stage_speeds(const Plan& plan);
  // Of each TP rank, [tp]: the slowest device that any stage of any replica puts there. Empty when all are alike.
  [[nodiscard]] std::vector<double> rank_speeds(const Plan& plan);

 private:
  const MachineSpec& machine_;
  bool uniform_ = true;
  bool nodes_alike_ = true;  // as many equal devices in each, domains inside nodes, networks to all
  double fastest_gb_per_s_ = 0;
  std::vector<std::vector<int>> domains_;  // fastest first
  std::map<int, std::vector<TpGroup>> groups_;
};

// The machine without all nodes but the first ones.
[[nodiscard]] MachineSpec first_nodes(const MachineSpec& machine, int nodes);

// Layers per stage in proportion to the stages' speeds; each gets one at least.
// REQUIRES: speeds.size() <= num_layers, speeds > 0
[[nodiscard]] std::vector<int64_t> proportional_layer_counts(int64_t num_layers, const std::vector<double>& speeds);

}  // namespace kerf
