// Typed access to the fields of a request. Strict about types: "5" is no number, 1 is no boolean. A field that is null
// counts as absent; fields that nobody asks for are ignored, as OpenAI's clients send new ones every year.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/json_body.h"

namespace kerf {

class Fields {
 public:
  // path: "" of the body, "stream_options" of an object in it. Keeps a reference.
  // REQUIRES: object.is_object()
  explicit Fields(const Json& object, std::string path = "") : object_(&object), path_(std::move(path)) {}

  [[nodiscard]] const Json* find(std::string_view name) const;  // nullptr when absent
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] std::string path_of(std::string_view name) const;

  // The field, or the fallback. Numbers lie within [min, max]; a whole number may be written as 4.0.
  [[nodiscard]] ApiResult<int64_t> integer(std::string_view name, int64_t fallback, int64_t min, int64_t max) const;
  [[nodiscard]] ApiResult<double> number(std::string_view name, double fallback, double min, double max) const;
  [[nodiscard]] ApiResult<bool> boolean(std::string_view name, bool fallback) const;
  [[nodiscard]] ApiResult<std::string> string(std::string_view name, std::string fallback) const;
  // A string or a list of strings; none when absent.
  [[nodiscard]] ApiResult<std::vector<std::string>> strings(std::string_view name) const;
  // A list of token ids below vocab_size.
  [[nodiscard]] ApiResult<std::vector<int32_t>> token_ids(std::string_view name, int64_t vocab_size) const;
  // nullopt when absent.
  [[nodiscard]] ApiResult<std::optional<Fields>> object(std::string_view name) const;

  // "'top_p' is 'high'; expected a number from 0 to 1."
  [[nodiscard]] ApiError wrong(std::string_view name, std::string_view expected) const;

 private:
  const Json* object_;
  std::string path_;
};

// "'silu'", "3.5", "a list of 4", …
[[nodiscard]] std::string described(const Json& value);

// value as ids below vocab_size; nullopt when it is anything else. REQUIRES: value.is_array()
[[nodiscard]] std::optional<std::vector<int32_t>> ids_of(const Json& value, int64_t vocab_size);

}  // namespace kerf
