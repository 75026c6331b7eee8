// /status.json: what the status page at / shows, as one document made of plain data.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "kerf/serve/seeing/live_rates.h"
#include "kerf/serve/seeing/observations.h"
#include "kerf/serve/seeing/shares.h"
#include "kerf/spec/machine_spec.h"
#include "kerf/spec/plan.h"

namespace kerf {

// What does not change while the server runs.
struct ServerFacts {
  std::string version;
  std::string model;  // as served
  std::string dtype, quantization, kv_cache_dtype;
  int64_t max_model_len = 0;
  Plan plan;
  std::string why;  // of the plan, as kerf says it; may have several lines
  std::optional<MachineSpec> machine;
  double started_s = 0;

  // By the planner for the load that it planned for; 0 = no prediction.
  double predicted_tokens_per_s = 0, predicted_ttft_ms = 0, predicted_tpot_ms = 0;
};

// A replica as it was last heard of.
struct ReplicaStatus {
  ReplicaState state = ReplicaState::kStarting;
  std::string why;     // of the state; one sentence, or empty
  double since_s = 0;  // when it came into this state
  int64_t restarts = 0;
  std::vector<int64_t> pids;  // by rank
  ReplicaReport report;       // without its steps
  TimeShares shares;
  std::deque<StepRecord> steps;  // of the last reports, oldest first
};

struct ServerStatus {
  ServerFacts facts;
  LiveRates::View live;
  int64_t queue_depth = 0;
  std::vector<ReplicaStatus> replicas;
};

// Any text is valid JSON afterwards: broken UTF-8 becomes U+FFFD.
[[nodiscard]] std::string status_json(const ServerStatus& status, double now_s);

}  // namespace kerf
