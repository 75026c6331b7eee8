#include "kerf/serve/replica.h"

#include <utility>

#include "kerf/base/check.h"

namespace kerf {

namespace {

using namespace std::chrono_literals;

// A replica without requests ends in some tens of milliseconds.
constexpr auto kGraceAfterDrain = 5s;

}  // namespace

Replica::Replica(EventLoop& loop, size_t index, StartReplica start, Handlers handlers)
    : loop_(loop), index_(index), start_(std::move(start)), handlers_(std::move(handlers)), since_(loop.now()) {}

void Replica::enter(ReplicaState state) {
  state_ = state;
  since_ = loop_.now();
  handlers_.changed();
}

void Replica::start() {
  KERF_CHECK(link_ == nullptr, "a replica starts once in a life");
  enter(ReplicaState::kStarting);
  ++restarts_;
  leaving_ = false;
  report_ = {};
  link_ = start_(index_, {.message = [this](ReplicaMessage message) { on_message(std::move(message)); },
                          .lost = [this](const std::string& why) { on_lost(why); },
                          .gone = [this] { on_gone(); }});
}

void Replica::on_message(ReplicaMessage message) {
  if (auto* facts = std::get_if<ReplicaFacts>(&message)) {
    facts_ = std::move(*facts);
    prefixes_.emplace(facts_->block_size, facts_->num_blocks);
    enter(ReplicaState::kReady);
    handlers_.ready();
  } else if (auto* progress = std::get_if<ReplicaProgress>(&message)) {
    if (progress->report) report_ = *progress->report;
    handlers_.progress(std::move(*progress));
  } else {
    handlers_.refused(std::get<RequestRefused>(std::move(message)));
  }
}

void Replica::kill(std::string_view why) {
  if (link_) link_->kill(why);
}

void Replica::drain() {
  KERF_CHECK(state_ == ReplicaState::kReady, "only a replica that takes requests can be drained");
  enter(ReplicaState::kDraining);
}

void Replica::restart() {
  KERF_CHECK(state_ == ReplicaState::kDraining, "a replica is drained before it is restarted");
  say_farewell();
}

void Replica::stop() {
  stopped_ = true;
  if (!link_) {
    timer_ = loop_.after(0s, [this] { handlers_.stopped(); });
  } else if (state_ == ReplicaState::kStarting) {
    leaving_ = true;
    link_->kill("the server ends");
  } else {
    say_farewell();
  }
}

void Replica::say_farewell() {
  if (leaving_) return;
  leaving_ = true;
  link_->send(DrainReplica{});
  timer_ = loop_.after(kGraceAfterDrain, [this] { kill("it does not end"); });
}

void Replica::on_lost(const std::string& why) {
  const bool served = state_ == ReplicaState::kReady || state_ == ReplicaState::kDraining;
  const auto served_for = std::chrono::duration_cast<RestartPolicy::Duration>(loop_.now() - since_);
  last_loss_ = leaving_ ? "" : why;
  enter(ReplicaState::kDown);
  restart_delay_ = RestartPolicy::Duration(0);
  if (leaving_) return;
  restart_delay_ = policy_.on_loss(served ? served_for : RestartPolicy::Duration(0));
  handlers_.lost(why);
}

void Replica::on_gone() {
  timer_.reset();
  link_.reset();
  if (stopped_) return handlers_.stopped();
  timer_ = loop_.after(restart_delay_, [this] { start(); });
}

}  // namespace kerf
