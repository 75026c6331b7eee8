// Numbers as the planner writes them for people.
#pragma once

#include <string>
#include <string_view>

#include "kerf/spec/machine_spec.h"

namespace kerf {

// 6134 → 6100, 0.0371 → 0.037.
[[nodiscard]] double round_to_two_digits(double value);
// 6100 → "6,100", 37 → "37", 3.25 → "3.2", 0.037 → "0.037".
[[nodiscard]] std::string with_commas(double value);
// 0.1234 → "12 %", 0.0123 → "1.2 %".
[[nodiscard]] std::string per_cent(double share);
// 0.0123 s → "12.3 ms", 45e-6 → "45 us".
[[nodiscard]] std::string duration(double seconds);
// "measured here", "published", "assumed".
[[nodiscard]] std::string_view words_for(Basis basis);

}  // namespace kerf
