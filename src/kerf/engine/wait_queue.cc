#include "kerf/engine/wait_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "kerf/base/check.h"

namespace kerf {
namespace {

// Rarely enough that priorities mean something.
constexpr int64_t kTurnsPerTurnOfAge = 8;

// Tenants are API keys, or users as clients name them: whoever names a new one each time must not fill the memory.
constexpr size_t kMostIdleTenants = 4096;

}  // namespace

void WaitQueue::push(Waiting& waiting, int64_t tokens) {
  forget_idle_tenants();
  Tenant& tenant = tenants_[waiting.request.tenant];
  if (tenant.waiting == 0) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const auto& [id, other] : tenants_) {
      if (other.waiting > 0) least = std::min(least, other.served);
    }
    tenant.served = std::max(tenant.served, by_arrival_.empty() ? last_served_ : least);
  }
  ++tenant.waiting;
  tokens_ += tokens;
  by_arrival_.emplace(waiting.arrival, Entry{&waiting, tokens});
  levels_[waiting.request.priority][waiting.request.tenant].emplace(waiting.arrival, &waiting);
}

void WaitQueue::erase(const Waiting& waiting) {
  const auto found = by_arrival_.find(waiting.arrival);
  KERF_CHECK(found != by_arrival_.end(), "what leaves a queue is in it");
  tokens_ -= found->second.tokens;
  by_arrival_.erase(found);
  const auto level = levels_.find(waiting.request.priority);
  const auto own = level->second.find(waiting.request.tenant);
  own->second.erase(waiting.arrival);
  if (own->second.empty()) level->second.erase(own);
  if (level->second.empty()) levels_.erase(level);
  Tenant& tenant = tenants_[waiting.request.tenant];
  --tenant.waiting;
  if (by_arrival_.empty()) last_served_ = tenant.served;
}

// They come back as new ones, at the least counter of those that wait.
void WaitQueue::forget_idle_tenants() {
  if (tenants_.size() <= kMostIdleTenants + by_arrival_.size()) return;
  std::erase_if(tenants_, [](const auto& tenant) { return tenant.second.waiting == 0; });
}

Waiting* WaitQueue::fair() const {
  const auto& tenants = levels_.begin()->second;
  const auto key = [&](const auto& entry) {
    return std::tuple(tenants_.at(entry.first).served, entry.second.begin()->first);
  };
  const auto least =
      std::min_element(tenants.begin(), tenants.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return least->second.begin()->second;
}

bool WaitQueue::turn_of_age() const { return turns_ % kTurnsPerTurnOfAge == kTurnsPerTurnOfAge - 1; }

Waiting* WaitQueue::next() const {
  if (by_arrival_.empty()) return nullptr;
  return turn_of_age() ? by_arrival_.begin()->second.waiting : fair();
}

void WaitQueue::take_next() {
  Waiting* waiting = next();
  if (turn_of_age() && waiting != fair()) waiting->aged = true;
  ++turns_;
  erase(*waiting);
}

}  // namespace kerf
