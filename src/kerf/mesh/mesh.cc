#include "kerf/mesh/mesh.h"

#include <numeric>
#include <string>
#include <vector>

#include "kerf/base/check.h"

namespace kerf {

// Every rank joins the making of its own groups only; groups of one axis are disjoint, so they may
// be made at the same time.
Mesh Mesh::create(World& world, const Plan& plan) {
  KERF_CHECK(world.size() == plan.ranks());
  Mesh mesh{.stage = world.rank() / plan.tp, .tp_rank = world.rank() % plan.tp};
  std::vector<int> tp(static_cast<size_t>(plan.tp));
  std::iota(tp.begin(), tp.end(), mesh.stage * plan.tp);
  std::vector<int> pp;
  for (int stage = 0; stage < plan.pp; ++stage) pp.push_back(stage * plan.tp + mesh.tp_rank);
  std::vector<int> all(static_cast<size_t>(plan.ranks()));
  std::iota(all.begin(), all.end(), 0);
  mesh.tp = world.group(tp, "tp" + std::to_string(mesh.stage));
  mesh.pp = world.group(pp, "pp" + std::to_string(mesh.tp_rank));
  mesh.all = world.group(all, "all");
  return mesh;
}

void Mesh::set_trace(Trace* to) {
  trace = to;
  const auto record = [&](Communicator& group, std::string_view name) {
    if (group.size() > 1) group.set_trace(to, name);  // alone it moves nothing, and there is nothing to see
  };
  record(*tp, "tp");
  record(*pp, "pp");
  record(*all, "all");
}

}  // namespace kerf
