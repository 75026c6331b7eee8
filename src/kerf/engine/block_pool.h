// BlockPool: the KV cache's blocks: who holds which, and what is worth keeping of those that nobody holds. Plain
// bookkeeping of ids; the bytes belong to nn/kv_cache.
//
// A block holds block_size positions, for every layer of every stage alike: one id means the same block on every rank.
// A block with a known content (prefix_index.h) may have several holders, who only read it; when the last one lets go
// it stays findable until its room is needed, the one that was let go first going first. Threading: none; rank 0's
// scheduler owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kerf/engine/prefix_index.h"

namespace kerf {

class BlockPool {
 public:
  // REQUIRES: num_blocks >= 0, block_size >= 1
  BlockPool(int64_t num_blocks, int64_t block_size);

  [[nodiscard]] int64_t block_size() const { return block_size_; }
  [[nodiscard]] int64_t num_blocks() const { return static_cast<int64_t>(holders_.size()); }
  // That allocate() can give: without a holder, with a content or not.
  [[nodiscard]] int64_t num_free() const { return static_cast<int64_t>(free_.size()) + num_cached_; }
  // Those of them with a content.
  [[nodiscard]] int64_t num_cached() const { return num_cached_; }
  [[nodiscard]] int64_t blocks_for(int64_t positions) const { return (positions + block_size_ - 1) / block_size_; }
  [[nodiscard]] int holders(int32_t block) const { return holders_[static_cast<size_t>(block)]; }

  // Appends `count` ids with one holder and no content to `blocks`; all or nothing: false when fewer are free.
  [[nodiscard]] bool allocate(int64_t count, std::vector<int32_t>& blocks);
  // One holder less for each. REQUIRES: each has one.
  void free(std::span<const int32_t> blocks);

  // The block that holds `tokens` after `before`, if any; hold() makes it the caller's too.
  [[nodiscard]] std::optional<PrefixIndex::Found> find(ContentId before, std::span<const int32_t> tokens) const {
    return index_.find(before, tokens);
  }
  void hold(int32_t block);
  // Its one holder says that `block` is full, and of what: PrefixIndex::insert.
  std::optional<ContentId> publish(ContentId before, std::span<const int32_t> tokens, int32_t block);

 private:
  // Neighbours in the list of cached blocks, the next to be forgotten first; [num_blocks] is the list's head.
  struct Link {
    int32_t before = -1;
    int32_t after = -1;
  };
  void append(int32_t block);
  void unlink(int32_t block);

  int64_t block_size_;
  std::vector<int32_t> free_;  // without content; a stack: the block freed last is warm in the caches
  std::vector<int32_t> holders_;
  std::vector<Link> cached_;
  int64_t num_cached_ = 0;
  PrefixIndex index_;
};

}  // namespace kerf
