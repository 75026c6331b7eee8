// TokenSet: token ids, as bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kerf {

class TokenSet {
 public:
  explicit TokenSet(size_t num_ids = 0) : words_((num_ids + 63) / 64) {}

  void add(int32_t id) { words_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64); }
  void add(const TokenSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  // False outside the ids that it was made for.
  [[nodiscard]] bool contains(int32_t id) const {
    const size_t word = static_cast<size_t>(id) / 64;
    return id >= 0 && word < words_.size() && (words_[word] >> (id % 64) & 1) != 0;
  }
  [[nodiscard]] size_t count() const {
    size_t count = 0;
    for (const uint64_t word : words_) count += static_cast<size_t>(std::popcount(word));
    return count;
  }
  // Ids [64 i, 64 i + 64), the lowest in the lowest bit; 0 outside the ids that it was made for.
  [[nodiscard]] uint64_t word(size_t i) const { return i < words_.size() ? words_[i] : 0; }
  [[nodiscard]] size_t bytes() const { return words_.size() * sizeof(uint64_t); }
  // Calls visit(id) for each, ascending.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t rest = words_[i]; rest != 0; rest &= rest - 1) {
        visit(static_cast<int32_t>(i * 64 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
  }
  bool operator==(const TokenSet&) const = default;

 private:
  std::vector<uint64_t> words_;
};

}  // namespace kerf
