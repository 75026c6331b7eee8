// The KV cache's blocks: who holds which. Plain bookkeeping of ids; the bytes belong to nn/kv_cache.
//
// A block holds block_size positions, for every layer of every stage alike: one id means the same block on
// every rank. Threading: none; rank 0's scheduler owns it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kerf {

class BlockPool {
 public:
  // REQUIRES: num_blocks >= 0, block_size >= 1
  BlockPool(int64_t num_blocks, int64_t block_size);

  [[nodiscard]] int64_t block_size() const { return block_size_; }
  [[nodiscard]] int64_t num_blocks() const { return static_cast<int64_t>(in_use_.size()); }
  [[nodiscard]] int64_t num_free() const { return static_cast<int64_t>(free_.size()); }
  [[nodiscard]] int64_t blocks_for(int64_t positions) const { return (positions + block_size_ - 1) / block_size_; }

  // Appends `count` ids to `blocks`; all or nothing: false when fewer are free.
  [[nodiscard]] bool allocate(int64_t count, std::vector<int32_t>& blocks);
  // REQUIRES: each was allocated and is not free.
  void free(std::span<const int32_t> blocks);

 private:
  int64_t block_size_;
  std::vector<int32_t> free_;  // a stack: the block freed last is warm in the caches
  std::vector<bool> in_use_;
};

// The blocks of one sequence: position p lies in ids()[p / block_size].
class BlockTable {
 public:
  [[nodiscard]] std::span<const int32_t> ids() const { return ids_; }

  // Makes room for positions [0, positions); false, and nothing changed, when the pool is short.
  [[nodiscard]] bool grow_to(int64_t positions, BlockPool& pool);
  // Gives every block back.
  void release(BlockPool& pool);

 private:
  std::vector<int32_t> ids_;
};

}  // namespace kerf
