// The tokens of a model by id, and their ids by text. (TokenTable adds the added ones.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kerf {

class Vocabulary {
 public:
  // Ids 0..size-1, none of which has a token yet.
  explicit Vocabulary(int32_t size);
  // Makes `token` the text of `id`. Of ids with the same text, find() knows the first that was set.
  // REQUIRES: 0 <= id < size(), !contains(id)
  void set(int32_t id, std::string_view token);

  [[nodiscard]] int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  // Whether `id` has a token; any integer may be asked about.
  [[nodiscard]] bool contains(int32_t id) const { return id >= 0 && id < size() && known_[static_cast<size_t>(id)]; }
  // REQUIRES: contains(id)
  [[nodiscard]] std::string_view token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  [[nodiscard]] std::optional<int32_t> find(std::string_view token) const;

 private:
  // An open-addressing hash table of ids: loading a tokenizer looks a million tokens up.
  struct Slot {
    uint32_t hash;
    int32_t id;  // -1: empty
  };
  // Where `token`, whose hash that is, stands; or the empty slot where it would go.
  [[nodiscard]] size_t slot_of(std::string_view token, uint32_t hash) const;

  std::vector<std::string> tokens_;
  std::vector<bool> known_;
  std::vector<Slot> slots_;  // a power of two, at most half full
};

}  // namespace kerf
