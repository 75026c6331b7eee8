#include "kerf/engine/step_timing.h"

#include <cstring>

#include "kerf/base/check.h"

namespace kerf {

void append(Bytes& message, const std::vector<StepTiming>& timings) {
  const auto count = static_cast<uint32_t>(timings.size());
  const size_t bytes = timings.size() * sizeof(StepTiming);
  const size_t end = message.size();
  message.resize(end + bytes + sizeof(count));
  if (bytes > 0) std::memcpy(message.data() + end, timings.data(), bytes);
  std::memcpy(message.data() + end + bytes, &count, sizeof(count));
}

std::vector<StepTiming> take_off(Bytes& message) {
  uint32_t count = 0;
  KERF_CHECK(message.size() >= sizeof(count), "a message without timings");
  const size_t before_count = message.size() - sizeof(count);
  std::memcpy(&count, message.data() + before_count, sizeof(count));
  KERF_CHECK(count <= before_count / sizeof(StepTiming), "more timings than bytes");
  std::vector<StepTiming> timings(count);
  const size_t begin = before_count - count * sizeof(StepTiming);
  if (count > 0) std::memcpy(timings.data(), message.data() + begin, count * sizeof(StepTiming));
  message.resize(begin);
  return timings;
}

}  // namespace kerf
