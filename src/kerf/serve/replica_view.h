// What /metrics and the status page show of the front's replicas and its queue.
#pragma once

#include <cstdint>
#include <string>

#include "kerf/serve/replica.h"

namespace kerf {

struct ReplicaView {
  size_t index = 0;
  ReplicaState state = ReplicaState::kStarting;
  double in_state_s = 0;
  ReplicaFacts facts;    // as last told; its pids are those of the ranks
  ReplicaReport report;  // of this life, the last one
  int64_t restarts = 0;
  std::string last_loss;  // why it was last lost; empty: never, or it was told to end
  int64_t requests = 0;   // under way on it
  int64_t outstanding_tokens = 0;
};

struct DispatcherStatus {
  int64_t queued = 0;      // now: requests that wait in the front
  int64_t unfinished = 0;  // now: all that are queued or under way
  bool shutting_down = false;
  // Since the start:
  int64_t submitted = 0;
  int64_t overloaded = 0;  // refused for a full queue
  int64_t finished = 0;
  int64_t cancelled = 0;
  int64_t failed = 0;
  int64_t replayed = 0;  // given to a replica again
};

}  // namespace kerf
