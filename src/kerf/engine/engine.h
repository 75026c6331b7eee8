// Engine: requests in, tokens out: the loop of rank 0.
#pragma once

#include <vector>

#include "kerf/engine/scheduler.h"
#include "kerf/engine/worker.h"

namespace kerf {

// Threading: the thread that runs rank 0's worker.
class Engine {
 public:
  // REQUIRES: config.validate() is ok and its bounds are the worker's.
  Engine(Worker& worker, SchedulerConfig config) : worker_(worker), scheduler_(std::move(config)) {}

  // Fails when the request can never run here.
  [[nodiscard]] Status add(Request request) { return scheduler_.add(std::move(request)); }

  // Ends a request from outside: no update of it comes any more.
  bool end(RequestId request) { return scheduler_.end(request); }

  // True when step() would have nothing to do.
  [[nodiscard]] bool idle() const { return scheduler_.idle(); }

  [[nodiscard]] SchedulerStats stats() const { return scheduler_.stats(); }

  // Keeps the stages full, waits for the oldest step in flight, and says what came of it.
  // REQUIRES: !idle()
  [[nodiscard]] std::vector<SequenceUpdate> step();

  // Gives the other ranks, which wait for a step until their communicators' deadline, another such time.
  // REQUIRES: idle()
  void keep_alive();

  // What steps have taken, since it was last asked (Worker::take_timings).
  [[nodiscard]] std::vector<StepTiming> take_timings() { return worker_.take_timings(); }

  // Ends every rank's serve(), dropping what is still under way.
  void stop();

 private:
  Worker& worker_;
  Scheduler scheduler_;
};

}  // namespace kerf
