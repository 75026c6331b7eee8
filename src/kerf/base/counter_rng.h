// Counter-based random numbers: the n-th number of a stream is a pure function of (seed, n).
//
// Nothing is carried from one draw to the next, so a stream that is resumed elsewhere, or computed in
// other company, draws the same numbers. Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel
// Random Numbers: As Easy as 1, 2, 3" (SC 2011). Integer arithmetic only: the same on every machine.
#pragma once

#include <array>
#include <cstdint>

namespace kerf {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

[[nodiscard]] PhiloxCounter philox4x32_10(PhiloxCounter counter, PhiloxKey key);

// Uniform in [0, 1), a multiple of 2^-53: key = seed, counter = position, the first 64 bits.
[[nodiscard]] double uniform_at(uint64_t seed, uint64_t position);

}  // namespace kerf
