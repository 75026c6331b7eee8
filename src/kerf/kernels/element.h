// The 16-bit float types as they lie in memory, and their exact scalar conversions.
//
// Rounding is to nearest even; f16 overflows to infinity; a NaN stays one and becomes quiet.
#pragma once

#include <bit>
#include <cstdint>

namespace kerf {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

inline constexpr uint16_t kQuietBF16 = 0x0040;
inline constexpr uint16_t kQuietHalf = 0x0200;

[[nodiscard]] inline float widen(BFloat16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }

[[nodiscard]] inline BFloat16 to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return {static_cast<uint16_t>(bits >> 16 | kQuietBF16)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

[[nodiscard]] inline float widen(Half x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000) << 16;
  const uint32_t magnitude = x.bits & 0x7fff;
  if (magnitude < 0x0400) {  // zero or subnormal: a multiple of 2^-24
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24F));
  }
  uint32_t bits = sign | ((magnitude << 13) + (112U << 23));  // 112 = 127 - 15, the difference of the biases
  if (magnitude >= 0x7c00) bits |= 0x7f800000;
  if (magnitude > 0x7c00) bits |= static_cast<uint32_t>(kQuietHalf) << 13;
  return std::bit_cast<float>(bits);
}

[[nodiscard]] inline Half to_half(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return {static_cast<uint16_t>(sign | 0x7c00 | kQuietHalf | (magnitude >> 13 & 0x3ff))};
  if (magnitude >= 0x477ff000) return {static_cast<uint16_t>(sign | 0x7c00)};  // 65520 and above
  if (magnitude < 0x38800000) {                                                // below 2^-14: a multiple of 2^-24
    // Adding 0.5 leaves exactly the multiples of 2^-24, rounded to nearest even.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000))};
  }
  return {static_cast<uint16_t>(sign | ((magnitude + 0xfff + (magnitude >> 13 & 1) - (112U << 23)) >> 13))};
}

}  // namespace kerf
