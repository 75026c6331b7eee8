// What an edge of an automaton says about its rule's counter. A rule has at most one counter (characters of a
// string, items of an array), which starts at 0 whenever the rule is entered.
#pragma once

#include <cstdint>
#include <limits>

namespace kerf {

using RuleId = uint32_t;
using EdgeFlags = uint8_t;

inline constexpr EdgeFlags kCounts = 1;  // taking the edge adds one
inline constexpr EdgeFlags kMore = 2;    // it may be taken only while the count is below the counter's max
inline constexpr EdgeFlags kEnough = 4;  // only when the count has reached the counter's min

inline constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();

struct Counter {
  uint32_t min = 0;
  uint32_t max = kUnlimited;
  bool operator==(const Counter&) const = default;
};

}  // namespace kerf
