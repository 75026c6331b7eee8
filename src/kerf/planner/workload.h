// What is asked of a plan: the requests, and what counts as good.
#pragma once

#include <cstdint>

namespace kerf {

enum class Objective : uint8_t { kLatency, kThroughput, kCost };

// How requests come.
enum class Arrival : uint8_t {
  kClosedLoop,  // `concurrency` clients, each sends its next request when the last is answered
  kStatic,      // one batch of `concurrency`, prefilled together, decoded together to the end
  kBurst,       // everything is queued at time 0; what counts is the total throughput
  kOpenLoop,    // `rate_per_s` requests a second, independent of answers
};

struct Workload {
  double isl = 1024;        // prompt tokens of a request
  double osl = 256;         // output tokens of a request
  double concurrency = 16;  // over all replicas
  double rate_per_s = 0;    // open loop
  Arrival arrival = Arrival::kClosedLoop;
  double requests_per_client = 20;  // closed loop: how many each sends; all begin at once, and the first of each waits
  double prefix_hit = 0;            // share of prompt tokens whose KV is cached
  double expert_imbalance = 1;      // lambda: the busiest rank's tokens / the mean
  double slo_ttft_ms = 0;           // 0 = none
  double slo_tpot_ms = 0;           // 0 = none
  Objective objective = Objective::kThroughput;
};

}  // namespace kerf
