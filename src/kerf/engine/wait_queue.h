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
// Deterministic. Counters are kept per tenant for good (pointers to them stay valid): tenants are API keys, of which
// there are few. Threading: none.
#pragma once

#include <cstdint>
#include <map>

#include "kerf/engine/sequence.h"

namespace kerf {

class WaitQueue {
 public:
  // Keeps the pointer until taken or erased.
  void push(Sequence& sequence);
  // REQUIRES: it waits here.
  void erase(const Sequence& sequence);

  // Whose turn it is; nullptr when nobody waits. The answer stays until something is pushed, taken, erased or charged.
  // Cost: linear in the tenants that wait at the first priority.
  [[nodiscard]] Sequence* next() const;
  // Ends the turn of next(), which leaves the queue, `aged` if it would not have had one yet but for its age.
  void take_next();

  // `tokens` were computed for the sequence's tenant, weighted. REQUIRES: it was pushed once.
  static void charge(Sequence& sequence, int64_t tokens) { *sequence.served += tokens; }

  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(by_arrival_.size()); }
  [[nodiscard]] int64_t tokens() const { return tokens_; }  // to be computed for them

 private:
  struct Tenant {
    int64_t served = 0;  // weighted tokens; the paper's counter
    int64_t waiting = 0;
  };
  using Arrivals = std::map<int64_t, Sequence*>;
  [[nodiscard]] Sequence* fair() const;
  [[nodiscard]] bool turn_of_age() const;

  std::map<int, std::map<uint64_t, Arrivals>> levels_;  // priority → tenant → its requests; nothing empty
  Arrivals by_arrival_;                                 // all
  std::map<uint64_t, Tenant> tenants_;
  int64_t tokens_ = 0;
  int64_t turns_ = 0;
  int64_t last_served_ = 0;  // counter of the tenant that was last to leave an empty queue
};

}  // namespace kerf
