#include "kerf/nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kerf {

namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

// Llama-3.1: long wavelengths are stretched by `factor`, short ones kept, and between them a linear
// blend over original_max_positions / wavelength.
double llama3(const RopeSpec& spec, double frequency) {
  const auto context = static_cast<double>(spec.original_max_positions);
  const double turns = context * frequency / kTwoPi;  // full turns within the original context
  if (turns < spec.low_freq_factor) return frequency / spec.factor;
  if (turns > spec.high_freq_factor) return frequency;
  const double blend = (turns - spec.low_freq_factor) / (spec.high_freq_factor - spec.low_freq_factor);
  return (1 - blend) * frequency / spec.factor + blend * frequency;
}

// YaRN: dimensions that make fewer than beta_slow turns in the original context are stretched,
// those with more than beta_fast kept, with a linear ramp over the dimensions between.
double yarn(const RopeSpec& spec, double frequency, int64_t pair, int64_t head_dim) {
  const auto dim_of_turns = [&](double turns) {
    return static_cast<double>(head_dim) *
           std::log(static_cast<double>(spec.original_max_positions) / (turns * kTwoPi)) / (2 * std::log(spec.theta));
  };
  const double low = std::max(std::floor(dim_of_turns(spec.beta_fast)), 0.0);
  double high = std::min(std::ceil(dim_of_turns(spec.beta_slow)), static_cast<double>(head_dim - 1));
  if (low == high) high += 0.001;  // as Hugging Face: no division by zero
  const double stretched = std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
  return stretched * frequency / spec.factor + (1 - stretched) * frequency;
}

double scaled(const RopeSpec& spec, double frequency, int64_t pair, int64_t head_dim) {
  switch (spec.scaling) {
    case RopeSpec::Scaling::kNone: return frequency;
    case RopeSpec::Scaling::kLinear: return frequency / spec.factor;
    case RopeSpec::Scaling::kLlama3: return llama3(spec, frequency);
    case RopeSpec::Scaling::kYarn: return yarn(spec, frequency, pair, head_dim);
  }
  return frequency;
}

}  // namespace

Rope::Rope(const RopeSpec& spec, int64_t head_dim) : attention_factor_(spec.attention_factor) {
  for (int64_t pair = 0; pair < head_dim / 2; ++pair) {
    const double exponent = static_cast<double>(2 * pair) / static_cast<double>(head_dim);
    frequencies_.push_back(scaled(spec, std::pow(spec.theta, -exponent), pair, head_dim));
  }
}

void Rope::fill(std::span<const int32_t> positions, float* cos, float* sin) const {
  for (const int32_t position : positions) {
    for (const double frequency : frequencies_) {
      const double angle = static_cast<double>(position) * frequency;
      *cos++ = static_cast<float>(std::cos(angle) * attention_factor_);
      *sin++ = static_cast<float>(std::sin(angle) * attention_factor_);
    }
  }
}

}  // namespace kerf
