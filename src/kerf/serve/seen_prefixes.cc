#include "kerf/serve/seen_prefixes.h"

namespace kerf {

namespace {

// SplitMix64's finisher (Steele, Lea and Flood, OOPSLA 2014).
uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
  x = (x ^ x >> 27) * 0x94d049bb133111ebU;
  return x ^ x >> 31;
}

}  // namespace

template <typename Visit>
void SeenPrefixes::for_each_block(std::span<const int32_t> prompt, const Visit& visit) const {
  const auto block = static_cast<size_t>(block_size_);
  uint64_t hash = 0;
  for (size_t end = block; end <= prompt.size(); end += block) {
    for (const int32_t token : prompt.subspan(end - block, block)) hash = mix(hash ^ static_cast<uint32_t>(token)) + 1;
    if (!visit(hash)) return;
  }
}

int64_t SeenPrefixes::match(std::span<const int32_t> prompt) const {
  int64_t tokens = 0;
  for_each_block(prompt, [&](uint64_t hash) {
    if (!blocks_.contains(hash)) return false;
    tokens += block_size_;
    return true;
  });
  return tokens;
}

void SeenPrefixes::insert(std::span<const int32_t> prompt) {
  for_each_block(prompt, [&](uint64_t hash) {
    if (const auto found = blocks_.find(hash); found != blocks_.end()) by_use_.erase(found->second);
    by_use_.push_front(hash);
    blocks_[hash] = by_use_.begin();
    return true;
  });
  for (; static_cast<int64_t>(blocks_.size()) > max_blocks_; by_use_.pop_back()) blocks_.erase(by_use_.back());
}

}  // namespace kerf
