// The inner loop of byte-pair encoding.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/io/tokenizer/merges.h"

namespace kerf {

// Memory that calls reuse.
struct MergeWork {
  struct Symbol {
    int32_t id;
    int32_t previous, next;  // neighbours still alive; -1 at the ends
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;           // index of the left symbol
    int32_t left, right;  // the ids it would merge: the candidate is stale when they have changed
    int32_t result;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

// Merges neighbours in `ids`, the lowest rank first, the leftmost of equals first, until nothing merges.
// O(n log n): a linked list of symbols, and a heap of candidates that may be stale.
void merge_symbols(const MergeTable& merges, MergeWork& work, std::vector<int32_t>& ids);

}  // namespace kerf
