#include "kerf/engine/softmax.h"

#include <cmath>

#include "kerf/base/check.h"

namespace kerf {

RowScan scan(std::span<const float> row) {
  constexpr uint32_t kExponent = 0x7f800000;  // all ones in NaN and infinity only
  constexpr size_t kLanes = 16;
  float max[kLanes];
  uint32_t broken[kLanes] = {};
  for (float& lane : max) lane = row[0];
  const auto step = [&](size_t i, size_t lane) {
    max[lane] = row[i] > max[lane] ? row[i] : max[lane];
    broken[lane] |= (std::bit_cast<uint32_t>(row[i]) & kExponent) == kExponent ? 1U : 0U;
  };
  size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) step(i + lane, lane);
  }
  for (size_t lane = 0; i + lane < row.size(); ++lane) step(i + lane, lane);
  for (size_t lane = 1; lane < kLanes; ++lane) {
    max[0] = max[lane] > max[0] ? max[lane] : max[0];
    broken[0] |= broken[lane];
  }
  return {max[0], broken[0] == 0};
}

LogSoftmax::LogSoftmax(std::span<const float> row)
    : max_(scan(row).max),
      log_sum_(std::log(sum_in_lanes(row.size(), [&](size_t i) { return exp_of_nonpositive(row[i] - max_); }))) {}

double log_softmax_at(std::span<const float> row, int32_t id) {
  KERF_CHECK(id >= 0 && static_cast<size_t>(id) < row.size(), "a token id outside the vocabulary");
  return LogSoftmax(row).at(row[static_cast<size_t>(id)]);
}

}  // namespace kerf
