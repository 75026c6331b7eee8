#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kerf::jinja {

// What Python's int(text, base) reads; none where it raises ValueError. Raises where the integer does
// not fit into 64 bits.
[[nodiscard]] std::optional<int64_t> parse_int(std::string_view text, int64_t base);
// What Python's float(text) reads.
[[nodiscard]] std::optional<double> parse_float(std::string_view text);

}  // namespace kerf::jinja
