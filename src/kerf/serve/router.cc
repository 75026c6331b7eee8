#include "kerf/serve/router.h"

#include <algorithm>

namespace kerf {

std::optional<size_t> route(std::span<const RouteCandidate> candidates, int64_t prompt_tokens) {
  std::optional<size_t> best;
  const auto work = [&](const RouteCandidate& candidate) {
    return candidate.outstanding_tokens + std::max<int64_t>(0, prompt_tokens - candidate.cached_tokens);
  };
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].open && (!best || work(candidates[i]) < work(candidates[*best]))) best = i;
  }
  return best;
}

}  // namespace kerf
