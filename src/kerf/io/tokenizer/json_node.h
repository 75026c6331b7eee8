// A value inside a JSON document that knows where it stands, so that a complaint can name the file
// and the field.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

// Ids from here on are refused: eight times the largest vocabulary published so far (262,144, Gemma),
// and little enough that tables indexed by id stay small whatever a file says.
inline constexpr int32_t kMaxTokenIds = 1 << 21;

// Parses `text`. Fails on anything that is not JSON, and on nesting deeper than any tokenizer has.
Result<nlohmann::json> parse_json(std::string_view text, std::string_view file);

// REQUIRES: the document outlives the node.
class JsonNode {
 public:
  // The whole document of `file`.
  JsonNode(const nlohmann::json& document, std::string_view file);

  // The member `key`; an absent node when this is no object or has no such member.
  [[nodiscard]] JsonNode operator[](std::string_view key) const;
  // Neither missing nor null.
  [[nodiscard]] bool present() const { return value_ != nullptr; }
  [[nodiscard]] bool is_string() const;
  [[nodiscard]] bool is_object() const;

  [[nodiscard]] Result<std::string> string() const;
  [[nodiscard]] Result<std::string> string_or(std::string_view otherwise) const;
  [[nodiscard]] Result<bool> boolean_or(bool otherwise) const;
  // An integer in [0, kMaxTokenIds).
  [[nodiscard]] Result<int32_t> token_id() const;
  [[nodiscard]] Result<size_t> count() const;
  [[nodiscard]] Result<std::vector<JsonNode>> elements() const;
  // The value, which is an array or an object as asked.
  [[nodiscard]] Result<const nlohmann::json*> array() const;
  [[nodiscard]] Result<const nlohmann::json*> object() const;

  // "FILE: FIELD <complaint>"
  [[nodiscard]] Error error(std::string_view complaint) const;

 private:
  JsonNode(const nlohmann::json* value, std::string_view file, std::string path);
  [[nodiscard]] Error wrong_type(std::string_view expected) const;

  const nlohmann::json* value_;  // null when absent
  std::string_view file_;
  std::string path_;
};

}  // namespace kerf
