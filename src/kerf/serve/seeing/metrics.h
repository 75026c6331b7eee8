// Metrics: what /metrics shows, in Prometheus' text format.
//
// Names, labels and meanings are vLLM's wherever it has one (docs.vllm.ai, "Production Metrics"), so that its
// dashboards, autoscalers and routers work unchanged; what only kerf has begins with "kerf:". The label `engine` is the
// replica's index. Counters go on over a replica's restart. docs/metrics.md lists them all.
//
// Threading: the front's one thread.
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/seeing/observations.h"
#include "kerf/serve/seeing/shares.h"

namespace kerf {

struct MetricsConfig {
  std::string model_name;     // as served
  int64_t max_model_len = 0;  // the token histograms' last bound
  int replicas = 1;
};

class Metrics {
 public:
  explicit Metrics(const MetricsConfig& config);
  ~Metrics();
  Metrics(Metrics&&) noexcept;
  Metrics& operator=(Metrics&&) = delete;

  // Moments of a request's life.
  void on_first_token(const RequestLife& life);
  void on_tokens(int replica, int64_t tokens, double since_last_s);  // after the first
  void on_finished(const RequestLife& life);
  void on_resumed(int replica);

  void on_queue_depth(int64_t requests);  // taken by the front, on no replica yet
  // Any path may be given: those that kerf does not serve are counted together.
  void on_http(std::string_view path, int code);

  void on_report(int replica, const ReplicaReport& report, double now_s);
  // Down ends the sums of the replica's reports: what it reports after its restart begins at 0 again.
  void on_state(int replica, ReplicaState state);
  void on_restart(int replica);
  // The replica's KV cache, as it was sized when it started.
  void on_cache(int replica, int64_t block_size, int64_t num_blocks);

  // Shares of a replica's recent time, as /metrics shows them.
  [[nodiscard]] TimeShares shares(int replica) const;

  // The document; its content type is kMetricsContentType.
  [[nodiscard]] std::string text();

 private:
  struct Server;
  struct Engine;
  [[nodiscard]] Engine& engine(int replica) const;

  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<Engine>> engines_;
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace kerf
