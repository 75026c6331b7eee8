#include "kerf/serve/dispatcher.h"

#include <algorithm>
#include <cmath>

#include "kerf/serve/router.h"

namespace kerf {

namespace {

using namespace std::chrono_literals;

constexpr auto kAvailabilityCheck = 1s;
constexpr int kHopelessStarts = 3;
constexpr double kSmoothing = 0.1;  // of the time between finishes: the last twenty or so count
constexpr double kLongestRetry_s = 60;
constexpr double kUnavailableRetry_s = 5;

double seconds(EventLoop::Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// What a replica is given at a time: as many as it runs at once, and some more, so that it never waits for the front.
int64_t room(const ReplicaFacts& facts) { return facts.max_num_seqs + std::max<int64_t>(1, facts.max_num_seqs / 4); }

}  // namespace

Dispatcher::Dispatcher(EventLoop& loop, DispatcherOptions options, StartReplica start)
    : loop_(loop), options_(std::move(options)), last_finish_(loop.now()), last_ready_(loop.now()) {
  for (size_t i = 0; i < options_.replicas; ++i) {
    replicas_.push_back(std::make_unique<Replica>(
        loop_, i, start,
        Replica::Handlers{.ready = [this, i] { on_ready_again(i); },
                          .progress = [this, i](ReplicaProgress progress) { on_progress(i, std::move(progress)); },
                          .refused = [this](RequestRefused refused) { on_refused(std::move(refused)); },
                          .lost = [this, i](const std::string& why) { on_lost(i, why); },
                          .stopped = [this] { on_stopped(); },
                          .changed = [this, i] { options_.events.replica_changed(this->replica(i)); }}));
  }
  for (const auto& replica : replicas_) replica->start();
  watch_availability();
}

Dispatcher::~Dispatcher() = default;

// ---- a request's way ----

Generator::Submitted Dispatcher::submit(Request request, Handler handler) {
  if (std::optional<Refusal> refusal = why_not(request)) {
    counts_.overloaded += refusal->kind == Refusal::Kind::kOverloaded ? 1 : 0;
    return {.refusal = std::move(refusal)};
  }
  const RequestId id = next_id_++;
  request.id = id;
  request.output_ids.clear();
  const auto tracked = std::make_shared<TrackedRequest>(std::move(request), std::move(handler));
  if (requests_.empty()) last_finish_ = loop_.now();
  requests_[id] = tracked;
  ++counts_.submitted;
  options_.events.queued(id, tracked->request);
  queue_.push(*tracked, static_cast<int64_t>(tracked->request.prompt_ids.size()));
  pump();
  return {.id = id};
}

void Dispatcher::cancel(RequestId id, FinishReason /*why*/) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  const Tracked tracked = found->second;
  if (tracked->replica) replicas_[*tracked->replica]->send(CancelRequest{id});
  leave_queue(*tracked);
  take_back(*tracked);
  requests_.erase(id);
  ++counts_.cancelled;
  if (counts_.shutting_down && requests_.empty()) return stop_replicas();
  pump();
}

std::optional<Refusal> Dispatcher::why_not(const Request& request) const {
  const auto refuse = [](Refusal::Kind kind, std::string why, double retry_after_s = 0) {
    return Refusal{.kind = kind, .message = std::move(why), .retry_after_s = retry_after_s};
  };
  if (counts_.shutting_down) return refuse(Refusal::Kind::kUnavailable, "the server is shutting down");
  if (const Status valid = request.params.validate(); !valid.ok()) {
    return refuse(Refusal::Kind::kInvalid, valid.error().message);
  }
  const auto prompt = static_cast<int64_t>(request.prompt_ids.size());
  if (prompt == 0) return refuse(Refusal::Kind::kInvalid, "the prompt is empty");
  if (const ReplicaFacts* known = facts()) {
    if (prompt >= known->max_model_len) {
      return refuse(Refusal::Kind::kInvalid,
                    fmt::format("the prompt has {} tokens, and prompt and answer together may have {}: shorten it",
                                prompt, known->max_model_len));
    }
  }
  if (!available()) {
    return refuse(Refusal::Kind::kUnavailable, "no replica of the model is running at the moment", kUnavailableRetry_s);
  }
  const auto with_room = [&](const auto& replica) { return has_room(*replica); };
  const bool waits = num_queued() > 0 || std::ranges::none_of(replicas_, with_room);
  if (waits && num_queued() >= options_.max_queue) {
    return refuse(Refusal::Kind::kOverloaded, fmt::format("{} requests are waiting already", num_queued()),
                  retry_after_s());
  }
  return std::nullopt;
}

void Dispatcher::pump() {
  std::vector<bool> reserved(replicas_.size(), false);
  if (!pump_interrupted(reserved)) return;
  while (Waiting* next = queue_.next()) {
    const Tracked tracked = requests_.at(next->request.id);
    const std::optional<size_t> index = choose(*tracked, reserved);
    if (!index) return;
    queue_.take_next();
    give(tracked, *index);
    const auto prompt = static_cast<int64_t>(tracked->request.prompt_ids.size());
    queue_.charge(tracked->request.tenant, prompt - tracked->cached_there);
  }
}

// Nobody overtakes, except those that wait for a replica of their own. False: one of the others found no room.
bool Dispatcher::pump_interrupted(std::vector<bool>& reserved) {
  for (auto next = interrupted_.begin(); next != interrupted_.end();) {
    const Tracked tracked = next->second;
    const std::optional<size_t> index = tracked->suspect() ? choose_for_suspect(reserved) : choose(*tracked, reserved);
    if (index) {
      next = interrupted_.erase(next);
      give(tracked, *index);
    } else if (tracked->suspect()) {
      ++next;
    } else {
      return false;
    }
  }
  return true;
}

void Dispatcher::leave_queue(const TrackedRequest& tracked) {
  if (tracked.replica || interrupted_.erase({tracked.request.priority, tracked.arrival}) > 0) return;
  queue_.erase(tracked);
}

bool Dispatcher::has_room(const Replica& replica) const {
  return replica.state() == ReplicaState::kReady && !replica.exclusive && replica.requests < room(*replica.facts());
}

std::optional<size_t> Dispatcher::choose(const TrackedRequest& tracked, const std::vector<bool>& reserved) const {
  std::vector<RouteCandidate> candidates;
  for (size_t i = 0; i < replicas_.size(); ++i) {
    Replica& replica = *replicas_[i];
    RouteCandidate& candidate = candidates.emplace_back();
    candidate.open = !reserved[i] && has_room(replica);
    candidate.outstanding_tokens = replica.outstanding_tokens;
    if (candidate.open && replicas_.size() > 1) {
      candidate.cached_tokens = replica.prefixes().match(tracked.request.prompt_ids);
    }
  }
  return route(candidates, static_cast<int64_t>(tracked.request.prompt_ids.size()));
}

// A ready replica with nothing to do; else the one that will have nothing to do soonest is kept free from now on.
std::optional<size_t> Dispatcher::choose_for_suspect(std::vector<bool>& reserved) const {
  std::optional<size_t> best;
  for (size_t i = 0; i < replicas_.size(); ++i) {
    if (replicas_[i]->state() != ReplicaState::kReady || replicas_[i]->exclusive || reserved[i]) continue;
    if (!best || replicas_[i]->requests < replicas_[*best]->requests) best = i;
  }
  if (!best) return std::nullopt;
  reserved[*best] = true;
  return replicas_[*best]->requests == 0 ? best : std::nullopt;
}

void Dispatcher::give(const Tracked& tracked, size_t index) {
  Replica& replica = *replicas_[index];
  tracked->replica = index;
  tracked->cached_there = replica.prefixes().match(tracked->request.prompt_ids);
  replica.prefixes().insert(tracked->request.prompt_ids);
  ++replica.requests;
  replica.outstanding_tokens += tracked->outstanding_tokens();
  replica.exclusive = tracked->suspect();
  replica.send(AddRequest{tracked->request});
  options_.events.given(tracked->id(), index);
}

void Dispatcher::take_back(TrackedRequest& tracked) {
  if (!tracked.replica) return;
  Replica& replica = *replicas_[*tracked.replica];
  tracked.replica.reset();
  --replica.requests;
  replica.outstanding_tokens -= tracked.outstanding_tokens();
  replica.exclusive = false;  // it had this one, or none alone
  if (replica.state() == ReplicaState::kDraining && replica.requests == 0) replica.restart();
}

void Dispatcher::finish(const Tracked& tracked, GenerationEvent event) {
  take_back(*tracked);
  requests_.erase(tracked->id());
  if (event.refusal) {
    ++counts_.failed;
  } else {
    ++counts_.finished;
    const auto now = loop_.now();
    seconds_per_finish_ += kSmoothing * (seconds(now - last_finish_) - seconds_per_finish_);
    last_finish_ = now;
  }
  tracked->tell(std::move(event));
  if (counts_.shutting_down && requests_.empty()) stop_replicas();
}

void Dispatcher::refuse(const Tracked& tracked, Refusal::Kind kind, const std::string& why) {
  if (tracked->replica) replicas_[*tracked->replica]->send(CancelRequest{tracked->id()});
  leave_queue(*tracked);
  finish(tracked, {.refusal = Refusal{.kind = kind, .message = why}});
}

void Dispatcher::refuse_all(Refusal::Kind kind, const std::string& why, bool queued_only) {
  std::vector<Tracked> all;
  for (const auto& [id, tracked] : requests_) {
    if (!queued_only || !tracked->replica) all.push_back(tracked);
  }
  for (const Tracked& tracked : all) {
    if (requests_.contains(tracked->id())) refuse(tracked, kind, why);
  }
}

double Dispatcher::retry_after_s() const {
  return std::clamp(std::ceil(seconds_per_finish_ * static_cast<double>(num_queued())), 1.0, kLongestRetry_s);
}

// ---- what replicas tell ----

void Dispatcher::on_ready_again(size_t index) {
  last_ready_ = loop_.now();
  on_ready();
  pump();
  if (restarting_ == index) {
    restarting_.reset();
    restart_next();
  }
}

void Dispatcher::on_progress(size_t index, ReplicaProgress progress) {
  if (progress.report) options_.events.reported(index, *progress.report);
  for (TokenUpdate& update : progress.updates) on_update(index, std::move(update));
  if (num_queued() > 0) pump();
}

void Dispatcher::on_update(size_t index, TokenUpdate update) {
  const auto found = requests_.find(update.request);
  if (found == requests_.end() || found->second->replica != index) return;  // cancelled meanwhile
  const Tracked tracked = found->second;
  Replica& replica = *replicas_[index];
  replica.outstanding_tokens -= tracked->outstanding_tokens();
  Result<std::optional<GenerationEvent>> event = tracked->take(std::move(update));
  replica.outstanding_tokens += tracked->outstanding_tokens();
  if (!tracked->suspect()) replica.exclusive = false;
  if (!event.ok()) {
    options_.log(fmt::format("request {} fails: {}", tracked->request.name, event.error().message));
    return refuse(tracked, Refusal::Kind::kFailed, event.error().message);
  }
  if (!*event) return;
  queue_.charge(tracked->request.tenant, kDecodeWeight * static_cast<int64_t>((*event)->tokens.size()));
  if ((*event)->finish || (*event)->refusal) return finish(tracked, std::move(**event));
  tracked->tell(std::move(**event));
}

void Dispatcher::on_refused(RequestRefused refused) {
  const auto found = requests_.find(refused.request);
  if (found == requests_.end()) return;
  const Tracked tracked = found->second;
  finish(tracked, {.refusal = Refusal{.kind = Refusal::Kind::kInvalid, .message = std::move(refused.why)}});
  pump();
}

void Dispatcher::on_lost(size_t index, const std::string& why) {
  std::vector<Tracked> held;
  for (const auto& [id, tracked] : requests_) {
    if (tracked->replica == index) held.push_back(tracked);
  }
  std::vector<Tracked> guilty;
  for (const Tracked& tracked : held) {
    take_back(*tracked);
    if (restarting_ != index) tracked->on_replica_lost();
    interrupted_[{tracked->request.priority, tracked->arrival}] = tracked;
    if (tracked->guilty()) {
      guilty.push_back(tracked);
    } else {
      ++counts_.replayed;
    }
  }
  for (const Tracked& tracked : guilty) {
    refuse(tracked, Refusal::Kind::kFailed, "each replica that was given the request ended; it is not tried again");
  }
  pump();
  if (facts() == nullptr && replicas_[index]->losses_in_a_row() >= kHopelessStarts) on_hopeless(why);
}

void Dispatcher::on_stopped() {
  if (++stopped_ == replicas_.size()) on_shut_down_();
}

// ---- availability, restarts, the end ----

bool Dispatcher::available() const { return loop_.now() - last_ready_ <= options_.unavailable_after; }

void Dispatcher::watch_availability() {
  const auto ready = [](const auto& replica) { return replica->state() == ReplicaState::kReady; };
  if (std::ranges::any_of(replicas_, ready)) last_ready_ = loop_.now();
  if (!available()) refuse_all(Refusal::Kind::kUnavailable, "no replica of the model could be started", true);
  availability_timer_ = loop_.after(kAvailabilityCheck, [this] { watch_availability(); });
}

void Dispatcher::rolling_restart(std::chrono::milliseconds patience) {
  if (counts_.shutting_down || restarting_) return;  // each is being restarted already
  restart_patience_ = patience;
  to_restart_.clear();
  for (size_t i = replicas_.size(); i-- > 0;) to_restart_.push_back(i);
  restart_next();
}

void Dispatcher::restart_next() {
  restart_timer_.reset();
  while (!to_restart_.empty() && !counts_.shutting_down) {
    const size_t index = to_restart_.back();
    to_restart_.pop_back();
    Replica& replica = *replicas_[index];
    if (replica.state() != ReplicaState::kReady) continue;  // it is being started anew anyhow
    restarting_ = index;
    replica.drain();
    if (replica.requests == 0) return replica.restart();
    restart_timer_ = loop_.after(restart_patience_, [this, index] {
      if (replicas_[index]->state() == ReplicaState::kDraining) replicas_[index]->kill("its requests took too long");
    });
    return;
  }
}

void Dispatcher::shut_down(std::chrono::milliseconds patience, std::function<void()> done) {
  if (done) on_shut_down_ = std::move(done);
  const bool again = counts_.shutting_down;
  counts_.shutting_down = true;
  const auto give_up = [this] {
    refuse_all(Refusal::Kind::kUnavailable, "the server is shutting down", false);
    stop_replicas();
  };
  if (requests_.empty()) return stop_replicas();
  if (again) return give_up();
  shutdown_timer_ = loop_.after(patience, give_up);
}

void Dispatcher::stop_replicas() {
  if (std::exchange(stopping_, true)) return;
  availability_timer_.reset();
  restart_timer_.reset();
  for (const auto& replica : replicas_) replica->stop();
}

// ---- what there is to see ----

const ReplicaFacts* Dispatcher::facts() const {
  for (const auto& replica : replicas_) {
    if (replica->facts()) return &*replica->facts();
  }
  return nullptr;
}

std::vector<ReplicaView> Dispatcher::replicas() const {
  std::vector<ReplicaView> all;
  for (size_t i = 0; i < replicas_.size(); ++i) all.push_back(replica(i));
  return all;
}

ReplicaView Dispatcher::replica(size_t index) const {
  const Replica& replica = *replicas_[index];
  return {.index = index,
          .state = replica.state(),
          .in_state_s = seconds(loop_.now() - replica.since()),
          .facts = replica.facts().value_or(ReplicaFacts{}),
          .report = replica.report(),
          .restarts = replica.restarts(),
          .last_loss = replica.last_loss(),
          .requests = replica.requests,
          .outstanding_tokens = replica.outstanding_tokens};
}

bool Dispatcher::ready() const {
  const auto serves = [](const auto& replica) { return replica->state() == ReplicaState::kReady; };
  return !counts_.shutting_down && std::ranges::any_of(replicas_, serves);
}

DispatcherStatus Dispatcher::status() const {
  DispatcherStatus status = counts_;
  status.queued = num_queued();
  status.unfinished = static_cast<int64_t>(requests_.size());
  return status;
}

}  // namespace kerf
