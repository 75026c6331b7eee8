// SeenPrefixes: which prompts a replica has seen lately, so as to guess what its prefix cache holds. A guess only:
// the replica's own cache decides, and a wrong one costs time, never bits.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>

namespace kerf {

class SeenPrefixes {
 public:
  // block_size: positions per block of the cache, of which only whole ones are kept; max_blocks: the cache's.
  SeenPrefixes(int64_t block_size, int64_t max_blocks) : block_size_(block_size), max_blocks_(max_blocks) {}

  // Tokens at the beginning of `prompt` that are cached, a multiple of the block size.
  [[nodiscard]] int64_t match(std::span<const int32_t> prompt) const;

  // The replica computes this prompt; what was not asked for longest is forgotten.
  void insert(std::span<const int32_t> prompt);

 private:
  // A block is known by a hash over all tokens up to its end.
  template <typename Visit>
  void for_each_block(std::span<const int32_t> prompt, const Visit& visit) const;

  int64_t block_size_;
  int64_t max_blocks_;
  std::list<uint64_t> by_use_;  // hashes, the latest first
  std::unordered_map<uint64_t, std::list<uint64_t>::iterator> blocks_;
};

}  // namespace kerf
