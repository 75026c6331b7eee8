#include "kerf/io/grammar/code_points.h"

#include <algorithm>

namespace kerf {

CodePoints::CodePoints(std::initializer_list<Range> ranges) {
  for (const Range& range : ranges) add(range.low, range.high);
}

void CodePoints::add(char32_t low, char32_t high) {
  const auto touches = [&](const Range& r) { return r.low <= high + 1 && low <= r.high + 1; };
  for (const Range& r : ranges_) {
    if (!touches(r)) continue;
    low = std::min(low, r.low);
    high = std::max(high, r.high);
  }
  std::erase_if(ranges_, touches);
  const auto after = std::find_if(ranges_.begin(), ranges_.end(), [&](const Range& r) { return r.low > high; });
  ranges_.insert(after, {low, high});
}

void CodePoints::add(const CodePoints& other) {
  for (const Range& range : other.ranges_) add(range.low, range.high);
}

CodePoints CodePoints::complement() const {
  CodePoints rest;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.low > next) rest.ranges_.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kLast) rest.ranges_.push_back({next, kLast});
  return rest;
}

}  // namespace kerf
