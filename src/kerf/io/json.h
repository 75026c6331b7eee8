// Bounded reading of JSON that a user or the network supplied, and of typed fields out of it.
//
// Every failure is one sentence that begins with `where`: the file, and inside it the object.
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "kerf/base/result.h"

namespace kerf {

struct JsonLimits {
  size_t max_bytes = size_t{64} << 20;  // the largest tokenizer.json in use has about 35 MB
  int max_depth = 64;
  bool unique_names = false;  // refuse a name that the outermost object holds twice
};

// Refuses what is too large or too deep, NaN and Infinity (which Python writes into JSON), numbers
// beyond double, invalid UTF-8, and anything else that is not JSON.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, std::string_view where,
                                                const JsonLimits& limits = {});
[[nodiscard]] Result<nlohmann::json> read_json(const std::filesystem::path& path, const JsonLimits& limits = {});

// Text from a file, fit for a message: control characters replaced, cut after 100 bytes.
[[nodiscard]] std::string shown(std::string_view text);
// "'silu'", "3.5", "a list of 4", …
[[nodiscard]] std::string describe(const nlohmann::json& value);

struct IntegerRange {
  int64_t min;
  int64_t max;
};

struct NumberRange {
  double min;
  double max;
  std::string_view words;  // "a positive number"
};
inline constexpr NumberRange kPositive{DBL_MIN, 1e15, "a positive number"};

// Typed access to the fields of one object. A field that is null counts as absent; an absent one
// gives the fallback, or an error where there is none.
class JsonFields {
 public:
  // where: "config.json". Keeps a reference: the object must outlive it.
  static Result<JsonFields> of(const nlohmann::json& object, std::string where);

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] bool mentions(std::string_view name) const { return object_->contains(name); }
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] const nlohmann::json* find(std::string_view name) const;  // nullptr when absent

  // A whole number, also when written as 4096.0.
  [[nodiscard]] Result<int64_t> integer(std::string_view name, IntegerRange range,
                                        std::optional<int64_t> fallback = {}) const;
  [[nodiscard]] Result<double> number(std::string_view name, const NumberRange& range,
                                      std::optional<double> fallback = {}) const;
  [[nodiscard]] Result<bool> boolean(std::string_view name, std::optional<bool> fallback = {}) const;
  [[nodiscard]] Result<std::string> string(std::string_view name, std::optional<std::string> fallback = {}) const;
  [[nodiscard]] Result<JsonFields> object(std::string_view name) const;

  // "config.json: 'head_dim' is 3; expected an even number"
  [[nodiscard]] Error wrong(std::string_view name, std::string_view expected) const;

 private:
  JsonFields(const nlohmann::json& object, std::string where) : object_(&object), where_(std::move(where)) {}
  const nlohmann::json* object_;
  std::string where_;
};

}  // namespace kerf
