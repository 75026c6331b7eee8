#include "kerf/engine/prefix_index.h"

#include <algorithm>

#include "kerf/base/check.h"

namespace kerf {

PrefixIndex::PrefixIndex(int64_t num_blocks, uint64_t hash_mask)
    : hash_mask_(hash_mask), entries_(static_cast<size_t>(num_blocks)) {}

// A multiplication by 2^64 / the golden ratio and a shift per token (Fibonacci hashing); what it lacks in strength,
// the comparison has.
uint64_t PrefixIndex::hash_of(ContentId before, std::span<const int32_t> tokens) const {
  constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;
  uint64_t hash = before * kGolden;
  for (const int32_t token : tokens) {
    hash = (hash ^ static_cast<uint32_t>(token)) * kGolden;
    hash ^= hash >> 29;
  }
  return hash & hash_mask_;
}

bool PrefixIndex::is(const Entry& entry, ContentId before, std::span<const int32_t> tokens) const {
  return entry.before == before && std::ranges::equal(entry.tokens, tokens);
}

std::optional<PrefixIndex::Found> PrefixIndex::find(ContentId before, std::span<const int32_t> tokens) const {
  const auto found = by_hash_.find(hash_of(before, tokens));
  if (found == by_hash_.end()) return std::nullopt;
  const Entry& entry = entries_[static_cast<size_t>(found->second)];
  if (!is(entry, before, tokens)) return std::nullopt;
  return Found{found->second, entry.content};
}

std::optional<ContentId> PrefixIndex::insert(ContentId before, std::span<const int32_t> tokens, int32_t block) {
  KERF_CHECK(!holds(block), "a KV block is given a second content");
  const uint64_t hash = hash_of(before, tokens);
  const auto [found, inserted] = by_hash_.try_emplace(hash, block);
  if (!inserted) {
    const Entry& other = entries_[static_cast<size_t>(found->second)];
    return is(other, before, tokens) ? std::optional(other.content) : std::nullopt;
  }
  Entry& entry = entries_[static_cast<size_t>(block)];
  entry.content = ++last_;
  entry.before = before;
  entry.hash = hash;
  entry.tokens.assign(tokens.begin(), tokens.end());
  return entry.content;
}

void PrefixIndex::erase(int32_t block) {
  KERF_CHECK(holds(block), "a KV block without a content is forgotten");
  Entry& entry = entries_[static_cast<size_t>(block)];
  by_hash_.erase(entry.hash);
  entry.content = kNoContent;
  entry.tokens.clear();
}

}  // namespace kerf
