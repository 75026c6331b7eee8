// Dispatcher: the front's Generator: queues requests, gives them to replicas, and when a replica is lost has another
// one, or the same in its next life, go on where it stopped. Each token is told once.
//
//   submit ──▶ queue (bounded; engine/wait_queue.h) ──route──▶ a replica with room ──tokens──▶ handler
//                                                      ▲            │
//       interrupted: prompt and tokens told so far ────┘◀── lost ───┘
//
// What was interrupted goes on before anything new begins. New requests wait by priority, fairly by tenant, as they do
// in a replica: there a tenant pays for tokens computed, here for those told, and for its prompts when they are given.
//
// A request that replicas die of again and again, at last alone on them, is given up: see TrackedRequest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kerf/engine/wait_queue.h"
#include "kerf/serve/event_loop.h"
#include "kerf/serve/generator.h"
#include "kerf/serve/replica.h"
#include "kerf/serve/replica_view.h"
#include "kerf/serve/tracked_request.h"

namespace kerf {

// For those who watch: metrics, the log, the status page. Each is called after the fact, and must not call back.
struct DispatcherEvents {
  std::function<void(RequestId id, const Request& request)> queued = [](RequestId, const Request&) {};
  // A request was given to a replica; again when it goes on elsewhere.
  std::function<void(RequestId id, size_t replica)> given = [](RequestId, size_t) {};
  std::function<void(const ReplicaView& replica)> replica_changed = [](const ReplicaView&) {};  // its state
  std::function<void(size_t replica, const ReplicaReport& report)> reported = [](size_t, const ReplicaReport&) {};
};

struct DispatcherOptions {
  size_t replicas = 1;
  int64_t max_queue = 1024;  // requests that wait for a replica to have room
  // With no replica for so long, what waits is refused, and so is what comes.
  std::chrono::milliseconds unavailable_after{60'000};
  std::function<void(const std::string& line)> log = [](const std::string&) {};
  DispatcherEvents events;
};

// Threading: as Generator. Destroying it kills the replicas.
class Dispatcher final : public Generator {
 public:
  // Starts the replicas. Keeps a reference to the loop.
  Dispatcher(EventLoop& loop, DispatcherOptions options, StartReplica start);
  ~Dispatcher() override;

  [[nodiscard]] Submitted submit(Request request, Handler handler) override;
  void cancel(RequestId id, FinishReason why) override;

  // Of any replica that has ever been ready: they are alike.
  [[nodiscard]] const ReplicaFacts* facts() const;
  [[nodiscard]] std::vector<ReplicaView> replicas() const;
  [[nodiscard]] ReplicaView replica(size_t index) const;
  [[nodiscard]] DispatcherStatus status() const;
  // Whether a request that comes now would be computed now, or soon.
  [[nodiscard]] bool ready() const;

  // Called when a replica becomes ready, and when a replica that was never ready fails to start for the third time.
  std::function<void()> on_ready = [] {};
  std::function<void(const std::string& why)> on_hopeless = [](const std::string&) {};

  void set_max_queue(int64_t max_queue) { options_.max_queue = max_queue; }

  // One replica after the other finishes what it has, ends, and starts anew, while the others serve. What is not
  // finished after `patience` goes on elsewhere.
  void rolling_restart(std::chrono::milliseconds patience);

  // Takes no more requests, finishes those it has (after `patience` it refuses them), stops the replicas, calls done.
  // Called again: at once.
  void shut_down(std::chrono::milliseconds patience, std::function<void()> done);

 private:
  using Tracked = std::shared_ptr<TrackedRequest>;

  // What replicas tell.
  void on_ready_again(size_t index);
  void on_progress(size_t index, ReplicaProgress progress);
  void on_update(size_t index, TokenUpdate update);
  void on_refused(RequestRefused refused);
  void on_lost(size_t index, const std::string& why);
  void on_stopped();

  // A request's way.
  [[nodiscard]] std::optional<Refusal> why_not(const Request& request) const;
  void pump();
  [[nodiscard]] bool pump_interrupted(std::vector<bool>& reserved);
  void give(const Tracked& tracked, size_t index);
  void take_back(TrackedRequest& tracked);
  void leave_queue(const TrackedRequest& tracked);
  void finish(const Tracked& tracked, GenerationEvent event);
  void refuse(const Tracked& tracked, Refusal::Kind kind, const std::string& why);
  void refuse_all(Refusal::Kind kind, const std::string& why, bool queued_only);

  [[nodiscard]] std::optional<size_t> choose(const TrackedRequest& tracked, const std::vector<bool>& reserved) const;
  [[nodiscard]] std::optional<size_t> choose_for_suspect(std::vector<bool>& reserved) const;
  [[nodiscard]] bool has_room(const Replica& replica) const;
  [[nodiscard]] int64_t num_queued() const { return queue_.size() + static_cast<int64_t>(interrupted_.size()); }
  [[nodiscard]] bool available() const;
  [[nodiscard]] double retry_after_s() const;

  void watch_availability();
  void restart_next();
  void stop_replicas();

  EventLoop& loop_;
  DispatcherOptions options_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::map<RequestId, Tracked> requests_;  // all that are not finished
  // Of these, those without a replica:
  WaitQueue queue_;                                         // that never had one
  std::map<std::pair<int, int64_t>, Tracked> interrupted_;  // that lost theirs; by priority and arrival
  RequestId next_id_ = 1;
  DispatcherStatus counts_;
  double seconds_per_finish_ = 0;             // smoothed
  EventLoop::Clock::time_point last_finish_;  // or when the first request came, after there were none
  EventLoop::Clock::time_point last_ready_;   // when a replica was last seen ready
  std::unique_ptr<EventLoop::Timer> availability_timer_, restart_timer_, shutdown_timer_;
  std::vector<size_t> to_restart_;    // the next one last
  std::optional<size_t> restarting_;  // drained, or being started anew
  std::chrono::milliseconds restart_patience_{};
  std::function<void()> on_shut_down_;
  bool stopping_ = false;
  size_t stopped_ = 0;
};

}  // namespace kerf
