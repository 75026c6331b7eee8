// PrefixIndex: which block holds the keys and values of which tokens, after which tokens.
//
// A block's content is its own token ids and the content of the block before it, so that a chain of contents stands for
// a whole prefix. A content's number is never given twice; equal chains have equal numbers as long as they are
// remembered. Blocks are found by a hash of (number of the content before, token ids), and what is found is compared
// id by id: a collision of hashes costs a hit, never a wrong answer, whoever chose the ids.
//
// Threading: none; a part of rank 0's BlockPool.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace kerf {

using ContentId = uint64_t;
inline constexpr ContentId kNoContent = 0;  // before the first block

class PrefixIndex {
 public:
  // hash_mask: tests force collisions with a small one.
  explicit PrefixIndex(int64_t num_blocks, uint64_t hash_mask = ~uint64_t{0});

  struct Found {
    int32_t block;
    ContentId content;
  };
  // tokens: of one whole block.
  [[nodiscard]] std::optional<Found> find(ContentId before, std::span<const int32_t> tokens) const;

  // Says that `block` holds `tokens` after `before`. When another block is known to, that one stays and its content is
  // returned. None, and nothing remembered, on a collision. REQUIRES: !holds(block)
  std::optional<ContentId> insert(ContentId before, std::span<const int32_t> tokens, int32_t block);

  // The block will hold something else. REQUIRES: holds(block)
  void erase(int32_t block);
  [[nodiscard]] bool holds(int32_t block) const { return entries_[static_cast<size_t>(block)].content != kNoContent; }

 private:
  struct Entry {
    ContentId content = kNoContent;
    ContentId before = kNoContent;
    uint64_t hash = 0;
    std::vector<int32_t> tokens;
  };
  [[nodiscard]] uint64_t hash_of(ContentId before, std::span<const int32_t> tokens) const;
  [[nodiscard]] bool is(const Entry& entry, ContentId before, std::span<const int32_t> tokens) const;

  uint64_t hash_mask_;
  ContentId last_ = kNoContent;
  std::vector<Entry> entries_;                     // [block]
  std::unordered_map<uint64_t, int32_t> by_hash_;  // → block
};

}  // namespace kerf
