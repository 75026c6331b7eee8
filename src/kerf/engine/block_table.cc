#include "kerf/engine/block_table.h"

#include "kerf/base/check.h"

namespace kerf {
namespace {

std::span<const int32_t> block_of(std::span<const int32_t> tokens, int64_t block, int64_t block_size) {
  return tokens.subspan(static_cast<size_t>(block * block_size), static_cast<size_t>(block_size));
}

}  // namespace

bool BlockTable::grow_to(int64_t positions, BlockPool& pool) {
  const int64_t missing = pool.blocks_for(positions) - size();
  return missing <= 0 || pool.allocate(missing, ids_);
}

std::optional<int64_t> BlockTable::start(std::span<const int32_t> tokens, bool use_cache, int64_t spare,
                                         BlockPool& pool) {
  KERF_CHECK(ids_.empty() && !tokens.empty());
  const auto count = static_cast<int64_t>(tokens.size());
  const int64_t reusable = use_cache ? (count - 1) / pool.block_size() : 0;
  ContentId chain = kNoContent;
  while (size() < reusable) {
    const auto found = pool.find(chain, block_of(tokens, size(), pool.block_size()));
    if (!found) break;
    pool.hold(found->block);
    ids_.push_back(found->block);
    chain = found->content;
  }
  const int64_t found = size();
  if (pool.num_free() < pool.blocks_for(count) - found + spare || !grow_to(count, pool)) {
    release(pool);
    return std::nullopt;
  }
  published_ = found;
  chain_ = chain;
  return found * pool.block_size();
}

void BlockTable::publish(std::span<const int32_t> tokens, int64_t positions, BlockPool& pool) {
  for (; chain_ && (published_ + 1) * pool.block_size() <= positions; ++published_) {
    chain_ =
        pool.publish(*chain_, block_of(tokens, published_, pool.block_size()), ids_[static_cast<size_t>(published_)]);
  }
}

void BlockTable::release(BlockPool& pool) {
  pool.free(ids_);
  ids_.clear();
  published_ = 0;
  chain_ = kNoContent;
}

}  // namespace kerf
