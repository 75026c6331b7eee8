#include "kerf/serve/replica_loop.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace kerf {

namespace {

using namespace std::chrono_literals;

constexpr auto kReportEvery = 100ms;     // busy
constexpr auto kHeartbeatEvery = 500ms;  // idle

TokenUpdate token_update(SequenceUpdate&& update) {
  return {.request = update.request,
          .position = update.position,
          .token = std::move(update.token),
          .finish = update.finish,
          .error = std::move(update.error),
          .cached_tokens = update.cached_tokens};
}

}  // namespace

ReplicaLoop::ReplicaLoop(Engine& engine, FrameSocket& front, ReplicaLoopOptions options)
    : engine_(engine), front_(front), options_(std::move(options)) {}

Status ReplicaLoop::run() {
  keep_alive_due_ = Clock::now();
  KERF_TRY_STATUS(tell(options_.facts));
  while (true) {
    KERF_TRY_STATUS(take_messages());
    for (RequestRefused& refused : std::exchange(refused_, {})) KERF_TRY_STATUS(tell(std::move(refused)));
    if (!engine_.idle()) {
      KERF_TRY_STATUS(step());
    } else if (draining_ && !front_.has_unsent()) {
      return Ok{};
    } else {
      KERF_TRY_STATUS(wait());
    }
  }
}

Status ReplicaLoop::take_messages() {
  std::vector<Bytes> frames;
  const Status open = front_.receive(frames);
  for (const Bytes& frame : frames) {
    KERF_TRY(FrontMessage message, parse_front_message(frame));
    take(std::move(message));
  }
  return open;
}

void ReplicaLoop::take(FrontMessage message) {
  if (auto* add = std::get_if<AddRequest>(&message)) {
    const RequestId id = add->request.id;
    const Status added = engine_.add(std::move(add->request));
    if (!added.ok()) refused_.push_back({.request = id, .why = added.error().message});
  } else if (const auto* cancel = std::get_if<CancelRequest>(&message)) {
    engine_.end(cancel->request);
  } else {
    draining_ = true;
  }
}

Status ReplicaLoop::step() {
  std::vector<SequenceUpdate> updates = engine_.step();
  const auto end = Clock::now();
  keep_alive_due_ = end + options_.deadline / 4;

  ReplicaProgress progress;
  for (SequenceUpdate& update : updates) progress.updates.push_back(token_update(std::move(update)));
  if (end >= report_due_) {
    progress.report = report();
    report_due_ = end + kReportEvery;
  }
  if (progress.updates.empty() && !progress.report) return Ok{};
  return tell(progress);
}

// Until a message comes, or it is time for a sign of life.
Status ReplicaLoop::wait() {
  const auto start = Clock::now();
  if (start >= keep_alive_due_) {
    engine_.keep_alive();
    keep_alive_due_ = start + options_.deadline / 4;
  }
  if (start >= report_due_) {
    KERF_TRY_STATUS(tell(ReplicaProgress{.report = report()}));
    report_due_ = start + kHeartbeatEvery;
  }
  const auto until = std::min(keep_alive_due_, report_due_);
  const auto patience = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  pollfd interest{.fd = front_.fd(), .events = POLLIN, .revents = 0};
  if (front_.has_unsent()) interest.events |= POLLOUT;
  poll(&interest, 1, static_cast<int>(std::max(patience, 0ms).count()));
  if (!front_.flush()) return fail("the front is gone");
  return Ok{};
}

Status ReplicaLoop::tell(const ReplicaMessage& message) {
  if (front_.send(serialize(message))) return Ok{};
  return fail("the front is gone, or does not read what its replica sends");
}

ReplicaReport ReplicaLoop::report() {
  const SchedulerStats stats = engine_.stats();
  std::function<double(const StepTiming&)> predict;
  if (options_.predict) predict = [&](const StepTiming& timing) { return options_.predict(timing, stats); };
  return reports_.report(stats, engine_.take_timings(), predict);
}

}  // namespace kerf
