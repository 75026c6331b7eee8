#include "kerf/engine/block_table.h"

#include "kerf/base/check.h"

namespace kerf {

BlockPool::BlockPool(int64_t num_blocks, int64_t block_size) : block_size_(block_size) {
  KERF_CHECK(num_blocks >= 0 && num_blocks <= INT32_MAX && block_size >= 1);
  in_use_.resize(static_cast<size_t>(num_blocks), false);
  for (int64_t id = num_blocks - 1; id >= 0; --id) free_.push_back(static_cast<int32_t>(id));
}

bool BlockPool::allocate(int64_t count, std::vector<int32_t>& blocks) {
  if (count > num_free()) return false;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t id = free_.back();
    free_.pop_back();
    in_use_[static_cast<size_t>(id)] = true;
    blocks.push_back(id);
  }
  return true;
}

void BlockPool::free(std::span<const int32_t> blocks) {
  // Backwards, so that a sequence's blocks are handed out again in their order.
  for (size_t i = blocks.size(); i-- > 0;) {
    const int32_t id = blocks[i];
    KERF_CHECK(id >= 0 && id < num_blocks() && in_use_[static_cast<size_t>(id)], "a KV block freed that nobody holds");
    in_use_[static_cast<size_t>(id)] = false;
    free_.push_back(id);
  }
}

bool BlockTable::grow_to(int64_t positions, BlockPool& pool) {
  const int64_t missing = pool.blocks_for(positions) - static_cast<int64_t>(ids_.size());
  return missing <= 0 || pool.allocate(missing, ids_);
}

void BlockTable::release(BlockPool& pool) {
  pool.free(ids_);
  ids_.clear();
}

}  // namespace kerf
