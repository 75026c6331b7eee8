// The merges of a byte-pair encoder: which two neighbouring tokens become which one, and how early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kerf {

struct Merge {
  uint32_t rank;   // place in the list; the lowest is applied first
  int32_t result;  // the id that replaces the pair
};

// An open-addressing hash table from a pair of ids. It is asked once per pair of neighbouring symbols,
// which is what encoding spends its time on.
class MergeTable {
 public:
  MergeTable() : MergeTable(0) {}
  // For up to `capacity` pairs.
  explicit MergeTable(size_t capacity);

  // Replaces what the pair had. REQUIRES: fewer than `capacity` pairs so far, or this one among them
  void set(int32_t left, int32_t right, Merge merge);

  // Null when the pair does not merge.
  [[nodiscard]] const Merge* find(int32_t left, int32_t right) const {
    const Slot& slot = slots_[slot_of(key_of(left, right))];
    return slot.key == kEmpty ? nullptr : &slot.merge;
  }

 private:
  struct Slot {
    uint64_t key;
    Merge merge;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};  // ids are not negative, so no pair looks like this

  static uint64_t key_of(int32_t left, int32_t right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
  }
  // Where `key` is, or the empty slot where it would go.
  [[nodiscard]] size_t slot_of(uint64_t key) const {
    // Fibonacci hashing: 2^64 / golden ratio spreads keys over the high bits.
    size_t at = (key * 0x9E3779B97F4A7C15U) >> shift_;
    while (slots_[at].key != key && slots_[at].key != kEmpty) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  unsigned shift_;  // 64 - log2(slots)
  std::vector<Slot> slots_;
};

}  // namespace kerf
