// Observer: what the front calls when something happens; metrics, log, trace and status page all learn of it here.
//
// A request's calls: on_queued, on_scheduled (again when it goes on elsewhere), on_tokens, …, on_finished; calls for a
// request that is unknown, or has finished, do nothing. Memory is bounded by the requests under way.
//
// Threading: the front's one thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kerf/base/trace_json.h"
#include "kerf/serve/seeing/log.h"
#include "kerf/serve/seeing/metrics.h"
#include "kerf/serve/seeing/status.h"

namespace kerf {

struct ObserverConfig {
  MetricsConfig metrics;
  ServerFacts facts;
  LogFormat log_format = LogFormat::kText;
  spdlog::sink_ptr log_sink;  // null = stderr
  bool trace = false;         // keep the last requests for write_trace()
};

class Observer {
 public:
  explicit Observer(ObserverConfig config);

  // Times are seconds of CLOCK_MONOTONIC and never go back.
  void on_queued(RequestId id, RequestFacts facts, double now_s);
  void on_scheduled(RequestId id, int replica, double now_s);
  void on_tokens(RequestId id, int64_t tokens, double now_s, int64_t cached_tokens = 0);
  void on_finished(RequestId id, FinishReason finish, int status, double now_s);

  void on_http(std::string_view path, int code) { metrics_.on_http(path, code); }

  // Starting again after having been down is a restart.
  void on_replica_state(int replica, ReplicaState state, double now_s, ReplicaNews news = {});
  void on_cache(int replica, int64_t block_size, int64_t num_blocks) {
    metrics_.on_cache(replica, block_size, num_blocks);
  }
  void on_report(int replica, ReplicaReport report, double now_s);

  [[nodiscard]] Log& log() { return log_; }
  [[nodiscard]] std::string metrics_text() { return metrics_.text(); }
  [[nodiscard]] std::string status_json(double now_s) const;
  // The lines of the last requests, for a trace file.
  [[nodiscard]] Status write_trace(const TraceSink& sink) const;

 private:
  void keep_steps(ReplicaStatus& replica, std::vector<StepRecord> steps) const;

  ServerFacts facts_;
  Metrics metrics_;
  Log log_;
  LiveRates live_;
  int64_t queue_depth_ = 0;
  std::vector<ReplicaStatus> replicas_;
  std::unordered_map<RequestId, RequestLife> requests_;  // under way
  bool trace_;
  std::deque<RequestLife> traced_;  // finished, oldest first
};

}  // namespace kerf
