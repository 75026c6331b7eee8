// The tokens of a model by id, and their ids by text. (TokenTable adds the added ones.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kerf {

class Vocabulary {
 public:
  Vocabulary() = default;
  // Ids 0..size-1, none of which has a token yet.
  explicit Vocabulary(int32_t size);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;
  Vocabulary(const Vocabulary&) = delete;  // the index points into the tokens
  Vocabulary& operator=(const Vocabulary&) = delete;
  ~Vocabulary() = default;

  // Makes `token` the text of `id`. REQUIRES: 0 <= id < size(), !contains(id)
  void set(int32_t id, std::string_view token);

  [[nodiscard]] int32_t size() const { return static_cast<int32_t>(tokens_.size()); }
  // Whether `id` has a token; any integer may be asked about.
  [[nodiscard]] bool contains(int32_t id) const { return id >= 0 && id < size() && known_[static_cast<size_t>(id)]; }
  // REQUIRES: contains(id)
  [[nodiscard]] std::string_view token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  [[nodiscard]] std::optional<int32_t> find(std::string_view token) const;

 private:
  std::vector<std::string> tokens_;
  std::vector<bool> known_;
  std::unordered_map<std::string_view, int32_t> ids_;  // keys view tokens_
};

}  // namespace kerf
