#include "kerf/serve/core_shares.h"

#include "kerf/base/check.h"

namespace kerf {

std::vector<std::vector<int>> share_cores(const std::vector<int>& cores, int shares) {
  KERF_CHECK(shares >= 1);
  const size_t count = cores.size();
  const auto n = static_cast<size_t>(shares);
  std::vector<std::vector<int>> all(n);
  if (cores.empty()) return all;
  for (size_t i = 0; i < n; ++i) {
    if (count < n) {
      all[i] = {cores[i % count]};
    } else {
      for (size_t at = i * count / n; at < (i + 1) * count / n; ++at) all[i].push_back(cores[at]);
    }
  }
  return all;
}

}  // namespace kerf
