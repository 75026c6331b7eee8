// BlockTable: the KV blocks of one sequence.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kerf/engine/block_pool.h"

namespace kerf {

// Position p lies in ids()[p / block_size].
class BlockTable {
 public:
  [[nodiscard]] std::span<const int32_t> ids() const { return ids_; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(ids_.size()); }

  // Makes room for positions [0, positions); false, and nothing changed, when the pool is short.
  [[nodiscard]] bool grow_to(int64_t positions, BlockPool& pool);

  // Begins with blocks that hold the first of `tokens` already, then makes room for all of them. Returns how many
  // positions need not be computed: whole blocks, and never the last token, whose logits are wanted. None, and nothing
  // changed, when fewer than `spare` free blocks would remain. REQUIRES: ids() is empty
  [[nodiscard]] std::optional<int64_t> start(std::span<const int32_t> tokens, bool use_cache, int64_t spare,
                                             BlockPool& pool);

  // The first `positions` of `tokens` are written, or will be before any step that is yet to be made: others may find
  // the whole blocks among them.
  void publish(std::span<const int32_t> tokens, int64_t positions, BlockPool& pool);

  // Gives every block back.
  void release(BlockPool& pool);

 private:
  std::vector<int32_t> ids_;
  int64_t published_ = 0;                        // blocks that are shared, or need not be looked at again
  std::optional<ContentId> chain_ = kNoContent;  // of the last of them; none: what follows can't be found by others
};

}  // namespace kerf
