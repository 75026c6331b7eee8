// ReplicaLoop: rank 0 of a replica in the service of a front: takes requests between steps, sends back what came of
// them. One thread, and the same engine as kerf run's.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/engine.h"
#include "kerf/serve/frame_socket.h"
#include "kerf/serve/replica_messages.h"
#include "kerf/serve/seeing/report.h"

namespace kerf {

struct ReplicaLoopOptions {
  ReplicaFacts facts;
  std::chrono::milliseconds deadline;  // of the ranks' communicators: an idle replica keeps them alive
  // What a stage should take for a step, in seconds; empty = nobody knows.
  std::function<double(const StepTiming&, const SchedulerStats&)> predict = {};
};

// Threading: the thread that runs rank 0's worker.
class ReplicaLoop {
 public:
  // Keeps references.
  ReplicaLoop(Engine& engine, FrameSocket& front, ReplicaLoopOptions options);

  // Until the front says drain and all is finished. Fails when the front is gone or talks nonsense; throws CommError
  // when a rank is lost.
  [[nodiscard]] Status run();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] Status take_messages();
  void take(FrontMessage message);
  [[nodiscard]] Status step();
  [[nodiscard]] Status wait();
  [[nodiscard]] Status tell(const ReplicaMessage& message);
  [[nodiscard]] ReplicaReport report();

  Engine& engine_;
  FrameSocket& front_;
  ReplicaLoopOptions options_;
  ReportMaker reports_;
  bool draining_ = false;
  std::vector<RequestRefused> refused_;
  Clock::time_point report_due_;
  Clock::time_point keep_alive_due_;
};

}  // namespace kerf
