#include "kerf/serve/seeing/observer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

namespace {

constexpr size_t kTracedRequests = 1 << 14;  // about 3 MB
constexpr size_t kStepsPerRank = 64;         // on the page

int64_t ns(double seconds) { return std::llround(seconds * 1e9); }

}  // namespace

Observer::Observer(ObserverConfig config)
    : facts_(std::move(config.facts)),
      metrics_(config.metrics),
      log_(config.log_format, std::move(config.log_sink)),
      replicas_(static_cast<size_t>(config.metrics.replicas), ReplicaStatus{.since_s = facts_.started_s}),
      trace_(config.trace) {}

void Observer::on_queued(RequestId id, RequestFacts facts, double now_s) {
  if (requests_.try_emplace(id, RequestLife{.facts = std::move(facts), .queued_s = now_s}).second) {
    metrics_.on_queue_depth(++queue_depth_);
  }
}

void Observer::on_scheduled(RequestId id, int replica, double now_s) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  RequestLife& life = found->second;
  life.replica = replica;
  if (life.scheduled_s > 0) {
    ++life.resumed;
    metrics_.on_resumed(replica);
    return;
  }
  life.scheduled_s = now_s;
  metrics_.on_queue_depth(--queue_depth_);
}

void Observer::on_tokens(RequestId id, int64_t tokens, double now_s, int64_t cached_tokens) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || tokens <= 0) return;
  RequestLife& life = found->second;
  const bool first = life.output_tokens == 0;
  life.output_tokens += tokens;
  live_.on_tokens(first ? life.facts.prompt_tokens : 0, tokens, now_s);
  if (first) {
    life.first_token_s = life.last_token_s = now_s;
    life.cached_tokens = cached_tokens;
    metrics_.on_first_token(life);
    live_.on_first_token(life.ttft_s(), now_s);
    --tokens;
  }
  if (tokens > 0) metrics_.on_tokens(life.replica, tokens, now_s - life.last_token_s);
  life.last_token_s = now_s;
}

void Observer::on_finished(RequestId id, FinishReason finish, int status, double now_s) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  RequestLife life = std::move(found->second);
  requests_.erase(found);
  if (life.scheduled_s == 0) metrics_.on_queue_depth(--queue_depth_);
  life.finish = finish;
  life.status = status;
  life.finished_s = now_s;
  metrics_.on_finished(life);
  live_.on_finished(life.tpot_s(), now_s);
  log_.request(life);
  if (!trace_) return;
  traced_.push_back(std::move(life));
  if (traced_.size() > kTracedRequests) traced_.pop_front();
}

void Observer::on_replica_state(int replica, ReplicaState state, double now_s, ReplicaNews news) {
  ReplicaStatus& to = replicas_.at(static_cast<size_t>(replica));
  if (to.state == ReplicaState::kDown && state == ReplicaState::kStarting) {
    ++to.restarts;
    metrics_.on_restart(replica);
  }
  if (state == ReplicaState::kDown) {
    to.report = {};
    to.shares = {};
    to.pids.clear();
  }
  metrics_.on_state(replica, state);
  log_.replica(replica, state, news, now_s);
  if (!news.pids.empty()) to.pids = std::move(news.pids);
  to.state = state;
  to.why = std::move(news.why);
  to.since_s = now_s;
}

void Observer::on_report(int replica, ReplicaReport report, double now_s) {
  metrics_.on_report(replica, report, now_s);
  ReplicaStatus& to = replicas_.at(static_cast<size_t>(replica));
  to.shares = metrics_.shares(replica);
  keep_steps(to, std::exchange(report.steps, {}));
  to.report = std::move(report);
}

void Observer::keep_steps(ReplicaStatus& replica, std::vector<StepRecord> steps) const {
  const size_t most = kStepsPerRank * static_cast<size_t>(facts_.plan.ranks());
  replica.steps.insert(replica.steps.end(), steps.begin(), steps.end());
  if (replica.steps.size() <= most) return;
  replica.steps.erase(replica.steps.begin(),
                      replica.steps.begin() + static_cast<std::ptrdiff_t>(replica.steps.size() - most));
}

std::string Observer::status_json(double now_s) const {
  return kerf::status_json(
      {.facts = facts_, .live = live_.view(now_s), .queue_depth = queue_depth_, .replicas = replicas_}, now_s);
}

Status Observer::write_trace(const TraceSink& sink) const {
  KERF_TRY_STATUS(write_trace_lines({.process = 0, .process_name = "front", .row = 0, .row_name = "requests"}, sink));
  int64_t id = 0;
  for (const RequestLife& life : traced_) {
    ++id;
    const std::string args = fmt::format(
        R"({{"id":"{}","replica":{},"prompt_tokens":{},"cached_tokens":{},"output_tokens":{},"finish":"{}","resumed":{}}})",
        json_text(life.facts.name), life.replica, life.facts.prompt_tokens, life.cached_tokens, life.output_tokens,
        name_of(life.finish), life.resumed);
    const auto span = [&](std::string_view name, double begin_s, double end_s) {
      return begin_s > 0 && end_s > begin_s ? trace_async_line(0, id, name, ns(begin_s), ns(end_s), args)
                                            : std::string();
    };
    const double start_s = life.scheduled_s > 0 ? life.scheduled_s : life.finished_s;
    KERF_TRY_STATUS(sink(trace_async_line(0, id, "request", ns(life.queued_s), ns(life.finished_s), args) +
                         span("queued", life.queued_s, start_s) +
                         span("prefill", life.scheduled_s, life.first_token_s) +
                         span("decode", life.first_token_s, life.last_token_s)));
  }
  return Ok{};
}

}  // namespace kerf
