// Router: which replica gets a request. Pure.
//
// Each replica is judged by what it would have to compute before the request is done: what it was given already, and
// the prompt's tokens that are not in its prefix cache. The least wins: a long common prefix draws requests to the
// replica that holds it, until so much waits there that computing the prefix anew elsewhere is cheaper.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace kerf {

struct RouteCandidate {
  bool open = true;                // takes requests now
  int64_t outstanding_tokens = 0;  // given to it and not yet computed
  int64_t cached_tokens = 0;       // of the prompt, that its cache has as far as is known
};

// The index of the best open candidate, the first among equals; nothing when none is open.
[[nodiscard]] std::optional<size_t> route(std::span<const RouteCandidate> candidates, int64_t prompt_tokens);

}  // namespace kerf
