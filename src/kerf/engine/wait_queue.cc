#include "kerf/engine/wait_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "kerf/base/check.h"

namespace kerf {
namespace {

// Rarely enough that priorities mean something.
constexpr int64_t kTurnsPerTurnOfAge = 8;

}  // namespace

void WaitQueue::push(Sequence& sequence) {
  Tenant& tenant = tenants_[sequence.request.tenant];
  if (tenant.waiting == 0) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const auto& [id, other] : tenants_) {
      if (other.waiting > 0) least = std::min(least, other.served);
    }
    tenant.served = std::max(tenant.served, by_arrival_.empty() ? last_served_ : least);
  }
  ++tenant.waiting;
  sequence.served = &tenant.served;
  tokens_ += sequence.size();
  by_arrival_.emplace(sequence.arrival, &sequence);
  levels_[sequence.request.priority][sequence.request.tenant].emplace(sequence.arrival, &sequence);
}

void WaitQueue::erase(const Sequence& sequence) {
  KERF_CHECK(by_arrival_.erase(sequence.arrival) == 1, "a sequence leaves a queue that it is not in");
  const auto level = levels_.find(sequence.request.priority);
  const auto own = level->second.find(sequence.request.tenant);
  own->second.erase(sequence.arrival);
  if (own->second.empty()) level->second.erase(own);
  if (level->second.empty()) levels_.erase(level);
  tokens_ -= sequence.size();
  Tenant& tenant = tenants_[sequence.request.tenant];
  --tenant.waiting;
  if (by_arrival_.empty()) last_served_ = tenant.served;
}

Sequence* WaitQueue::fair() const {
  const auto& tenants = levels_.begin()->second;
  const auto key = [&](const auto& entry) {
    return std::tuple(tenants_.at(entry.first).served, entry.second.begin()->first);
  };
  const auto least =
      std::min_element(tenants.begin(), tenants.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return least->second.begin()->second;
}

bool WaitQueue::turn_of_age() const { return turns_ % kTurnsPerTurnOfAge == kTurnsPerTurnOfAge - 1; }

Sequence* WaitQueue::next() const {
  if (by_arrival_.empty()) return nullptr;
  return turn_of_age() ? by_arrival_.begin()->second : fair();
}

void WaitQueue::take_next() {
  Sequence* sequence = next();
  if (turn_of_age() && sequence != fair()) sequence->aged = true;
  ++turns_;
  erase(*sequence);
}

}  // namespace kerf
