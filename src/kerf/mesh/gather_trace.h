// The traces of a replica's ranks, on one clock.
#pragma once

#include <vector>

#include "kerf/base/trace_json.h"
#include "kerf/mesh/mesh.h"

namespace kerf {

// Collective over the mesh's ranks, each with its own trace. Rank 0 gets a track for each rank, the others nothing.
// Clocks of other hosts are set by a round trip: right to half of the fastest one's time.
[[nodiscard]] std::vector<TraceTrack> gather_traces(const Mesh& mesh, const Trace& own, int replica);

}  // namespace kerf
