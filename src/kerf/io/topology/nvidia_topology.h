// The matrix that `nvidia-smi topo -m` prints, as found in the wild:
//
//           GPU0    GPU1    NIC0    CPU Affinity    NUMA Affinity   GPU NUMA ID
//   GPU0     X      NV12    PXB     0-31,64-95      0               N/A
//   GPU1    NV12     X      SYS     32-63           1               N/A
//   NIC0    PXB     SYS      X
//
// Separated by tabs or by spaces, with or without the header's leading blanks, NICs and their legend, affinities, ANSI
// colours, and text before and after; columns cut off on purpose end in "...". A `GPU 0: NVIDIA A100-SXM4-80GB` before
// it (nvidia-smi -L) names the devices. An empty cell is taken from its mirror. What is cut short (a row too few, a
// cell too few, half a word, two cells that contradict) is refused with its line: a wrong topology is worse than none.
#pragma once

#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/topology/node_topology.h"

namespace kerf {

// where: the file, for messages.
[[nodiscard]] Result<NodeTopology> parse_nvidia_topology(std::string_view text, std::string_view where);

// Whether the text has the header of such a matrix.
[[nodiscard]] bool is_nvidia_topology(std::string_view text);

}  // namespace kerf
