#include "kerf/engine/block_pool.h"

#include "kerf/base/check.h"

namespace kerf {

BlockPool::BlockPool(int64_t num_blocks, int64_t block_size) : block_size_(block_size), index_(num_blocks) {
  KERF_CHECK(num_blocks >= 0 && num_blocks < INT32_MAX && block_size >= 1);
  holders_.resize(static_cast<size_t>(num_blocks), 0);
  const auto head = static_cast<int32_t>(num_blocks);
  cached_.resize(static_cast<size_t>(num_blocks) + 1);
  cached_.back() = {head, head};
  for (int32_t id = head - 1; id >= 0; --id) free_.push_back(id);
}

bool BlockPool::allocate(int64_t count, std::vector<int32_t>& blocks) {
  if (count > num_free()) return false;
  for (int64_t i = 0; i < count; ++i) {
    int32_t id = 0;
    if (!free_.empty()) {
      id = free_.back();
      free_.pop_back();
    } else {
      id = cached_.back().after;
      unlink(id);
      index_.erase(id);
    }
    holders_[static_cast<size_t>(id)] = 1;
    blocks.push_back(id);
  }
  return true;
}

void BlockPool::free(std::span<const int32_t> blocks) {
  // Backwards, so that a sequence's blocks are handed out again in their order, and a prefix outlives what follows it.
  for (size_t i = blocks.size(); i-- > 0;) {
    const int32_t id = blocks[i];
    KERF_CHECK(id >= 0 && id < num_blocks() && holders(id) > 0, "a KV block freed that nobody holds");
    if (--holders_[static_cast<size_t>(id)] > 0) continue;
    if (index_.holds(id)) {
      append(id);
    } else {
      free_.push_back(id);
    }
  }
}

void BlockPool::hold(int32_t block) {
  KERF_CHECK(index_.holds(block), "a KV block shared whose content is not known");
  if (holders_[static_cast<size_t>(block)]++ == 0) unlink(block);
}

std::optional<ContentId> BlockPool::publish(ContentId before, std::span<const int32_t> tokens, int32_t block) {
  KERF_CHECK(holders(block) == 1 && static_cast<int64_t>(tokens.size()) == block_size_);
  return index_.insert(before, tokens, block);
}

void BlockPool::append(int32_t block) {
  const auto head = static_cast<int32_t>(num_blocks());
  Link& end = cached_.back();
  cached_[static_cast<size_t>(block)] = {end.before, head};
  cached_[static_cast<size_t>(end.before)].after = block;
  end.before = block;
  ++num_cached_;
}

void BlockPool::unlink(int32_t block) {
  const Link link = cached_[static_cast<size_t>(block)];
  cached_[static_cast<size_t>(link.before)].after = link.after;
  cached_[static_cast<size_t>(link.after)].before = link.before;
  --num_cached_;
}

}  // namespace kerf
