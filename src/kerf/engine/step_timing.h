// How long one rank's part in one step took: what the status page's timeline and /metrics are made of.
//
// Timings travel along with what the stages send each other anyway, a step late: behind a step's message from each
// stage to the next, and behind the last stage's answer to rank 0. So rank 0 has those of tp rank 0 of every stage.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kerf/comm/communicator.h"
#include "kerf/engine/wire.h"

namespace kerf {

using CommTimes = std::array<int64_t, kCommOps>;  // ns by CommOp

struct StepTiming {
  int64_t step = 0;
  int32_t rank = 0;      // of the replica
  int32_t tokens = 0;    // of the step
  int64_t begin_ns = 0;  // CLOCK_MONOTONIC of the rank's host: the step's message was there
  int64_t end_ns = 0;    // its result was handed on
  CommTimes comm_ns{};   // of that in the tp and pp groups, waiting included

  [[nodiscard]] int64_t all_comm_ns() const { return std::accumulate(comm_ns.begin(), comm_ns.end(), int64_t{0}); }
  bool operator==(const StepTiming&) const = default;
};

// Adds them behind a message, and takes them off again. REQUIRES: append() was called on it.
void append(Bytes& message, const std::vector<StepTiming>& timings);
[[nodiscard]] std::vector<StepTiming> take_off(Bytes& message);

}  // namespace kerf
