// Which cores each of several replicas on one host may use. Pure.
#pragma once

#include <vector>

namespace kerf {

// Even runs of neighbouring cores, each core in one share; where there are fewer cores than shares, one core each, in
// turn. Of no cores, nothing.
[[nodiscard]] std::vector<std::vector<int>> share_cores(const std::vector<int>& cores, int shares);

}  // namespace kerf
