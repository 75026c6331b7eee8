// Python's ==, <, hash() and `in`, over values.
#pragma once

#include <cstddef>
#include <string_view>

#include "kerf/io/chat_template/value.h"

namespace kerf::jinja {

// Lists and dicts nest at most so deep, whoever made them; this bounds every walk over a value,
// its destruction included. Real contexts nest about 10 deep (a tool's JSON schema).
inline constexpr int kMaxValueDepth = 200;
void check_depth(int depth);  // raises beyond

[[nodiscard]] size_t hash_text(std::string_view text);
// Raises for lists and dicts, which have no hash. Equal values have equal hashes (1, 1.0 and True).
[[nodiscard]] size_t hash(Meter& meter, const Value& value);
[[nodiscard]] bool equal(Meter& meter, const Value& a, const Value& b);
// -1, 0 or 1; 2 where a NaN makes it unordered. Raises for values without an order, naming `op`.
[[nodiscard]] int compare(Meter& meter, const Value& a, const Value& b, std::string_view op = "<");
[[nodiscard]] bool contains(Runtime& rt, const Value& container, const Value& item);

}  // namespace kerf::jinja
