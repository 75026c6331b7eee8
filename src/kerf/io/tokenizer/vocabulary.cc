#include "kerf/io/tokenizer/vocabulary.h"

#include <bit>
#include <functional>

namespace kerf {
namespace {

uint32_t hash_of(std::string_view token) { return static_cast<uint32_t>(std::hash<std::string_view>{}(token)); }

}  // namespace

Vocabulary::Vocabulary(int32_t size)
    : tokens_(static_cast<size_t>(size)),
      known_(static_cast<size_t>(size)),
      slots_(std::bit_ceil(2 * static_cast<size_t>(size) + 1), Slot{0, -1}) {}

size_t Vocabulary::slot_of(std::string_view token, uint32_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].id >= 0 && (slots_[at].hash != hash || tokens_[static_cast<size_t>(slots_[at].id)] != token)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

void Vocabulary::set(int32_t id, std::string_view token) {
  known_[static_cast<size_t>(id)] = true;
  tokens_[static_cast<size_t>(id)] = token;
  const uint32_t hash = hash_of(token);
  Slot& slot = slots_[slot_of(token, hash)];
  if (slot.id < 0) slot = {hash, id};
}

std::optional<int32_t> Vocabulary::find(std::string_view token) const {
  const int32_t id = slots_[slot_of(token, hash_of(token))].id;
  return id < 0 ? std::nullopt : std::optional(id);
}

}  // namespace kerf
