// KvCache: this rank's keys and values, in blocks of kBlock positions that block tables point to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kerf/base/arena.h"
#include "kerf/kernels/kernels.h"

namespace kerf {

// Layout: [layer][key | value][block][kv head][head_dim × kBlock]; keys are transposed (kernels.h); int8 has a block's
// scales behind it.
class KvCache {
 public:
  // Room for `blocks` blocks in each of this stage's layers, for this rank's KV heads. Memory is
  // taken when a block is first written.
  KvCache(int64_t layers, int64_t kv_heads, int64_t head_dim, int64_t blocks, DType dtype);

  // The keys or values of `kv_head` in block 0 of a layer; block b lies b * block_stride() later.
  [[nodiscard]] std::byte* keys(int64_t layer, int64_t kv_head) const { return at(2 * layer, kv_head); }
  [[nodiscard]] std::byte* values(int64_t layer, int64_t kv_head) const { return at(2 * layer + 1, kv_head); }
  [[nodiscard]] int64_t block_stride() const { return kv_heads_ * head_bytes_; }

  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] int64_t blocks() const { return blocks_; }
  [[nodiscard]] int64_t bytes() const { return static_cast<int64_t>(data_.size()); }

 private:
  [[nodiscard]] std::byte* at(int64_t plane, int64_t kv_head) const {
    return data_.data() + plane * blocks_ * block_stride() + kv_head * head_bytes_;
  }

  int64_t kv_heads_;
  int64_t blocks_;
  DType dtype_;
  int64_t head_bytes_;  // of one head in one block
  Buffer data_;
};

}  // namespace kerf
