// Working memory of Bpe::encode.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/bpe.h"
#include "kerf/io/tokenizer/merge_symbols.h"

namespace kerf {

// Not shared between threads. Texts passed to Bpe::encode with it must outlive it: the cache views them.
class Bpe::Scratch {
 public:
  // The cache is sized by the bytes of text to come: words repeat, so an eighth as many slots is ample,
  // and 65,536 (English text of any length uses fewer) stay within the L2 cache.
  explicit Scratch(size_t text_bytes) : cache_(std::bit_ceil(std::clamp<size_t>(text_bytes / 8, 16, 65536))) {}

  std::vector<int32_t> symbols;
  MergeWork work;

  // The ids of `word`, if remembered.
  [[nodiscard]] const std::span<const int32_t>* find(std::string_view word) {
    Slot& slot = slot_of(word);
    if (slot.word != word || slot.word.data() == nullptr) return nullptr;
    found_ = {ids_.data() + slot.begin, slot.count};
    return &found_;
  }

  void remember(std::string_view word, std::span<const int32_t> ids) {
    slot_of(word) = {word, ids_.size(), ids.size()};
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }

 private:
  struct Slot {
    std::string_view word;
    size_t begin = 0, count = 0;  // in ids_
  };
  Slot& slot_of(std::string_view word) { return cache_[std::hash<std::string_view>{}(word) & (cache_.size() - 1)]; }

  std::vector<Slot> cache_;  // a slot holds the last word that hashed there
  std::vector<int32_t> ids_;
  std::span<const int32_t> found_;
};

}  // namespace kerf
