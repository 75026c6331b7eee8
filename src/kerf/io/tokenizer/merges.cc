#include "kerf/io/tokenizer/merges.h"

#include <bit>

namespace kerf {

// At most two thirds full, and at least two slots, so that a search always meets an empty one.
MergeTable::MergeTable(size_t capacity)
    : shift_(64 - static_cast<unsigned>(std::bit_width(capacity + capacity / 2 + 1))),
      slots_(size_t{1} << (64 - shift_), Slot{kEmpty, {}}) {}

void MergeTable::set(int32_t left, int32_t right, Merge merge) {
  const uint64_t key = key_of(left, right);
  slots_[slot_of(key)] = {key, merge};
}

}  // namespace kerf
