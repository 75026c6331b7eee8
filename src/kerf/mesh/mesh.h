// Mesh: the groups that one rank of a replica belongs to, one per axis.
#pragma once

#include <memory>

#include "kerf/base/trace.h"
#include "kerf/comm/communicator.h"
#include "kerf/comm/world.h"
#include "kerf/spec/plan.h"

namespace kerf {

// Ranks are numbered stage by stage: rank = stage * tp + tp_rank.
struct Mesh {
  int stage = 0;
  int tp_rank = 0;
  std::unique_ptr<Communicator> tp;   // the ranks of this stage; rank() == tp_rank
  std::unique_ptr<Communicator> pp;   // the ranks with this tp_rank, stage by stage; rank() == stage
  std::unique_ptr<Communicator> all;  // the whole replica

  Trace* trace = nullptr;  // where this rank records; null: nowhere

  // From here on this rank's groups record there as well. `to` outlives the mesh.
  void set_trace(Trace* to);

  // Collective over the world. REQUIRES: world.size() == plan.ranks()
  [[nodiscard]] static Mesh create(World& world, const Plan& plan);
};

}  // namespace kerf
