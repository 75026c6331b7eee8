// Softmax of a row of logits in double, with the same bits on every machine.
//
// libm's exp may differ in its last bit from one machine to another (glibc picks an FMA variant where
// the CPU has one), which could move the border between two sampled tokens. So exp is our own: IEEE
// additions and multiplications in a fixed order. Only log, which no token depends on, is libm's.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace kerf {

// e^x to about 1 ulp for x <= 0; 0 below -708, where doubles become subnormal. REQUIRES: x <= 0, not NaN.
[[nodiscard]] inline double exp_of_nonpositive(double x) {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  // ln 2 in two parts; the high one ends in 21 zeros, so that n times it is exact.
  constexpr double kLn2High = 0x1.62e42feep-1;
  constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer, left in the lowest bits
  const double clamped = x < -708.0 ? -708.0 : x;
  const double rounded = clamped * kLog2E + kRound;
  const double n = rounded - kRound;
  const double r = (clamped - n * kLn2High) - n * kLn2Low;  // |r| <= ln(2) / 2
  // Taylor's series to r^13 / 13!; the rest is below 2^-57.
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // times 2^n: n into the exponent
  const double scaled = std::bit_cast<double>(std::bit_cast<uint64_t>(p) + (std::bit_cast<uint64_t>(rounded) << 52));
  return x < -708.0 ? 0.0 : scaled;
}

// The sum of term(i) over [0, n) into 8 lanes (lane = i % 8), the lanes by halves: (l, l + 4), (l, l + 2), (l, l + 1).
template <typename Term>
[[nodiscard]] double sum_in_lanes(size_t n, const Term& term) {
  constexpr size_t kLanes = 8;
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (size_t lane = 0; i + lane < n; ++lane) lanes[lane] += term(i + lane);
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

// One pass over a row: its largest value, and whether all are finite (max means nothing otherwise).
struct RowScan {
  float max;
  bool finite;
};
// REQUIRES: row is not empty.
[[nodiscard]] RowScan scan(std::span<const float> row);

// log softmax(row), one value at a time: at(row[id]) is the log-probability of token id, in nats.
class LogSoftmax {
 public:
  // REQUIRES: row is not empty and finite.
  explicit LogSoftmax(std::span<const float> row);
  [[nodiscard]] double at(float logit) const { return (logit - max_) - log_sum_; }

 private:
  double max_;
  double log_sum_;  // of exp(row[i] - max), in lanes
};

// REQUIRES: 0 <= id < row.size(), row finite.
[[nodiscard]] double log_softmax_at(std::span<const float> row, int32_t id);

}  // namespace kerf
