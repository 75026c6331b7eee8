#include "kerf/io/tokenizer/merge_symbols.h"

#include <algorithm>

namespace kerf {
namespace {

// std::*_heap keep the greatest in front; this order makes that the lowest rank, then the leftmost.
bool later(const MergeWork::Candidate& a, const MergeWork::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
}

}  // namespace

void merge_symbols(const MergeTable& merges, MergeWork& work, std::vector<int32_t>& ids) {
  auto& symbols = work.symbols;
  auto& heap = work.heap;
  const auto count = static_cast<int32_t>(ids.size());
  symbols.clear();
  heap.clear();
  const auto symbol = [&](int32_t i) -> MergeWork::Symbol& { return symbols[static_cast<size_t>(i)]; };
  const auto propose = [&](int32_t at) {
    const int32_t next = at < 0 ? -1 : symbol(at).next;
    if (next < 0) return false;
    const Merge* merge = merges.find(symbol(at).id, symbol(next).id);
    if (merge != nullptr) heap.push_back({merge->rank, at, symbol(at).id, symbol(next).id, merge->result});
    return merge != nullptr;
  };

  for (int32_t i = 0; i < count; ++i)
    symbols.push_back({ids[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  for (int32_t i = 0; i < count; ++i) propose(i);
  std::make_heap(heap.begin(), heap.end(), later);

  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const MergeWork::Candidate best = heap.back();
    heap.pop_back();
    MergeWork::Symbol& left = symbol(best.at);
    if (left.id != best.left || left.next < 0 || symbol(left.next).id != best.right) continue;
    MergeWork::Symbol& right = symbol(left.next);
    left.id = best.result;
    right.id = -1;  // dead: no candidate names it
    left.next = right.next;
    if (left.next >= 0) symbol(left.next).previous = best.at;
    if (propose(left.previous)) std::push_heap(heap.begin(), heap.end(), later);
    if (propose(best.at)) std::push_heap(heap.begin(), heap.end(), later);
  }

  ids.clear();
  for (int32_t i = count > 0 ? 0 : -1; i >= 0; i = symbol(i).next) ids.push_back(symbol(i).id);
}

}  // namespace kerf
