// WaitQueue: whose turn it is among the requests that wait for a slot and for memory.
//
// The lowest priority number first. Among equals the tenant that was served least, as the Virtual Token Counter has it
// (Sheng et al., Fairness in Serving Large Language Models, OSDI 2024, arXiv:2401.00588): a counter per tenant grows
// with the tokens computed for it, and a tenant that comes back after it had nothing to wait for starts at the least
// counter of those that wait, so that idling saves nothing up. A tenant's own requests in order of arrival.
//
// Every eighth turn goes to the request that came first of all, so that each one's turn comes whatever priorities and
// tenants do: at most eight turns for each request that came before it.
//
// Deterministic. Threading: none.
#pragma once

#include <cstdint>
#include <map>

#include "kerf/engine/request.h"

namespace kerf {

// What a decoded token costs its tenant, where one of a prompt costs 1: the weights of arXiv:2401.00588.
inline constexpr int64_t kDecodeWeight = 2;

// What waits, and what has waited: the part that the queue looks at.
struct Waiting {
  Request request;
  int64_t arrival = 0;  // in order of coming, no two alike
  bool aged = false;    // has waited so long that it goes before all others from now on
};

class WaitQueue {
 public:
  // tokens: to be computed for it. Keeps a pointer until it is taken or erased, and meanwhile its priority, tenant and
  // arrival may not change.
  void push(Waiting& waiting, int64_t tokens);
  // REQUIRES: it waits here.
  void erase(const Waiting& waiting);

  // Whose turn it is; nullptr when nobody waits. The answer stays until something is pushed, taken, erased or charged.
  // Cost: linear in the tenants that wait at the first priority.
  [[nodiscard]] Waiting* next() const;
  // Ends the turn of next(), which leaves the queue, `aged` if it would not have had one yet but for its age.
  void take_next();

  // `tokens` were computed for the tenant, weighted.
  void charge(uint64_t tenant, int64_t tokens) { tenants_[tenant].served += tokens; }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(by_arrival_.size()); }
  [[nodiscard]] int64_t tokens() const { return tokens_; }              // to be computed for them
  [[nodiscard]] size_t num_tenants() const { return tenants_.size(); }  // whose counters are kept

 private:
  struct Tenant {
    int64_t served = 0;  // weighted tokens; the paper's counter
    int64_t waiting = 0;
  };
  struct Entry {
    Waiting* waiting;
    int64_t tokens;
  };
  [[nodiscard]] Waiting* fair() const;
  [[nodiscard]] bool turn_of_age() const;
  void forget_idle_tenants();

  std::map<int, std::map<uint64_t, std::map<int64_t, Waiting*>>> levels_;  // priority → tenant → arrival; nothing empty
  std::map<int64_t, Entry> by_arrival_;                                    // all
  std::map<uint64_t, Tenant> tenants_;
  int64_t tokens_ = 0;
  int64_t turns_ = 0;
  int64_t last_served_ = 0;  // counter of the tenant that was last to leave an empty queue
};

}  // namespace kerf
