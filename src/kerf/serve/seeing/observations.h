// What is there to see of a server: plain data that the front and the replicas fill in, and metrics, log, trace and
// status page read.
//
// Times are seconds of CLOCK_MONOTONIC, which processes of one host share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/trace.h"
#include "kerf/comm/communicator.h"
#include "kerf/engine/request.h"

namespace kerf {

[[nodiscard]] inline double monotonic_s() { return 1e-9 * static_cast<double>(trace_now_ns()); }

// What is known of a request when it comes. Never its text.
struct RequestFacts {
  std::string name;  // what the client knows it by: "chatcmpl-…"
  int64_t prompt_tokens = 0;
  int64_t max_tokens = 0;
  int n = 1;  // answers that the client asked for, of which this is one
};

// A request's life as the front sees it; 0 = has not happened.
struct RequestLife {
  RequestFacts facts;
  double queued_s = 0;
  double scheduled_s = 0;  // first given to a replica
  double first_token_s = 0;
  double last_token_s = 0;
  double finished_s = 0;
  int64_t cached_tokens = 0;  // of the prompt, from the prefix cache
  int64_t output_tokens = 0;
  int replica = 0;
  int resumed = 0;  // times that it went on elsewhere after its replica was lost
  FinishReason finish = FinishReason::kStop;
  int status = 0;  // of HTTP

  [[nodiscard]] double ttft_s() const { return output_tokens == 0 ? 0 : first_token_s - queued_s; }
  // Mean time per token after the first; 0 when there is none.
  [[nodiscard]] double tpot_s() const {
    return output_tokens < 2 ? 0 : (last_token_s - first_token_s) / static_cast<double>(output_tokens - 1);
  }
};

enum class ReplicaState : uint8_t { kStarting, kReady, kDraining, kDown };
[[nodiscard]] std::string_view name_of(ReplicaState state);  // "starting", …

// What is to be told of a replica that comes into a state.
struct ReplicaNews {
  std::string why;            // it is down; one sentence, or empty: it was told to end
  std::vector<int64_t> pids;  // ready: by rank
  double load_s = 0;          // ready: that it took to load the model
  int64_t requests = 0;       // draining: that it will finish; down: that go on elsewhere
};

// One rank's part in one step.
struct StepRecord {
  int64_t step = 0;
  int rank = 0;            // of the replica: stage · tp + tp rank
  double begin_s = 0;      // the step's message was there
  double end_s = 0;        // its result was handed on
  double comm_s = 0;       // of that in collectives, sends and receives, waiting included
  double predicted_s = 0;  // by the planner's model for this batch; 0 = no prediction
  int64_t tokens = 0;
};

// What a replica tells from time to time. Sums run since that replica's start and are over its ranks.
struct ReplicaReport {
  int64_t running = 0;        // requests in the batches
  int64_t waiting = 0;        // requests that the replica has taken and not begun
  int64_t blocks_used = 0;    // of the KV cache, by sequences
  int64_t blocks_cached = 0;  // kept for the prefix cache, free on demand
  int64_t blocks_free = 0;
  int64_t prefix_queries = 0;  // tokens
  int64_t prefix_hits = 0;     // tokens
  int64_t preemptions = 0;
  double compute_s = 0;
  std::array<double, kCommOps> comm_s{};  // by CommOp, waiting included
  double idle_s = 0;                      // a rank without a step while the replica had work: the pipeline's bubble
  std::vector<StepRecord> steps;          // since the last report
};

}  // namespace kerf
