#include "kerf/nn/kv_cache.h"

namespace kerf {

KvCache::KvCache(int64_t layers, int64_t kv_heads, int64_t head_dim, int64_t blocks, DType dtype)
    : kv_heads_(kv_heads),
      blocks_(blocks),
      dtype_(dtype),
      head_bytes_(kv_head_bytes(head_dim, dtype)),
      data_(static_cast<size_t>(2 * layers * blocks * kv_heads * head_bytes_)) {}

}  // namespace kerf
