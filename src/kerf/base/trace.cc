#include "kerf/base/trace.h"

#include <algorithm>

namespace kerf {

void Trace::add(std::string_view name, std::string_view group, int64_t begin_ns, int64_t end_ns, int64_t amount) {
  if (events_.empty()) return;
  TraceEvent& event = events_[static_cast<size_t>(added_++) % events_.size()];
  event = {.begin_ns = begin_ns, .end_ns = end_ns, .step = step_, .amount = amount};
  name.copy(event.name.data(), event.name.size() - 1);
  group.copy(event.group.data(), event.group.size() - 1);
}

std::vector<TraceEvent> Trace::events() const {
  const auto size = static_cast<int64_t>(events_.size());
  std::vector<TraceEvent> result;
  result.reserve(static_cast<size_t>(std::min(added_, size)));
  for (int64_t i = dropped(); i < added_; ++i) result.push_back(events_[static_cast<size_t>(i % size)]);
  return result;
}

int64_t Trace::dropped() const { return std::max<int64_t>(0, added_ - static_cast<int64_t>(events_.size())); }

}  // namespace kerf
