// Replica: one of the front's replicas, through all its lives.
//
//   starting ──facts──▶ ready ──drain──▶ draining
//      ▲                  │                 │
//      └──── down ◀─ lost ┴── restart ──────┘   started again at once or after a while, unless it was stopped
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kerf/serve/event_loop.h"
#include "kerf/serve/replica_link.h"
#include "kerf/serve/restart_policy.h"
#include "kerf/serve/seeing/observations.h"
#include "kerf/serve/seen_prefixes.h"

namespace kerf {

// Starts a life of replica `index`; what fails is reported through the handlers.
using StartReplica = std::function<std::unique_ptr<ReplicaLink>(size_t index, ReplicaLink::Handlers handlers)>;

// Threading: the front's event loop.
class Replica {
 public:
  struct Handlers {
    std::function<void()> ready;
    std::function<void(ReplicaProgress)> progress;
    std::function<void(RequestRefused)> refused;
    // Its requests are to be done elsewhere. It starts again by itself, unless it was stopped.
    std::function<void(const std::string& why)> lost;
    std::function<void()> stopped;  // after stop()
    std::function<void()> changed;  // state()
  };
  Replica(EventLoop& loop, size_t index, StartReplica start, Handlers handlers);

  void start();
  void send(const FrontMessage& message) { link_->send(message); }  // REQUIRES: ready or draining
  void kill(std::string_view why);

  // Takes no more requests, and is given no more.
  void drain();  // REQUIRES: ready
  // Ends with a farewell, and starts anew at once. REQUIRES: draining, nothing under way
  void restart();
  // Ends for good; what is under way is forgotten. `stopped` follows.
  void stop();

  [[nodiscard]] ReplicaState state() const { return state_; }
  [[nodiscard]] const std::optional<ReplicaFacts>& facts() const { return facts_; }  // of this life, or the last
  [[nodiscard]] const ReplicaReport& report() const { return report_; }              // of this life, the last one
  [[nodiscard]] int64_t restarts() const { return restarts_; }
  [[nodiscard]] int losses_in_a_row() const { return policy_.in_a_row(); }
  [[nodiscard]] const std::string& last_loss() const { return last_loss_; }
  [[nodiscard]] EventLoop::Clock::time_point since() const { return since_; }  // of state()
  [[nodiscard]] SeenPrefixes& prefixes() { return *prefixes_; }                // REQUIRES: ready

  // For the dispatcher's book-keeping.
  int64_t requests = 0;            // under way here
  int64_t outstanding_tokens = 0;  // of these
  bool exclusive = false;          // has a suspect request to itself

 private:
  void enter(ReplicaState state);
  void on_message(ReplicaMessage message);
  void on_lost(const std::string& why);
  void on_gone();
  void say_farewell();

  EventLoop& loop_;
  size_t index_;
  StartReplica start_;
  Handlers handlers_;
  ReplicaState state_ = ReplicaState::kDown;
  EventLoop::Clock::time_point since_;
  std::unique_ptr<ReplicaLink> link_;
  std::optional<ReplicaFacts> facts_;
  ReplicaReport report_;
  std::optional<SeenPrefixes> prefixes_;
  RestartPolicy policy_;
  RestartPolicy::Duration restart_delay_{0};
  int64_t restarts_ = -1;  // the first start is none
  std::string last_loss_;
  bool leaving_ = false;  // it was told to end
  bool stopped_ = false;
  std::unique_ptr<EventLoop::Timer> timer_;
};

}  // namespace kerf
