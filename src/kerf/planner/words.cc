#include "kerf/planner/words.h"

#include <fmt/format.h>

#include <cmath>

namespace kerf {

double round_to_two_digits(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 1);
  return unit >= 1 ? std::round(value / unit) * unit : std::round(value / unit) / std::round(1 / unit);
}

std::string with_commas(double value) {
  if (std::abs(value) < 1) return fmt::format("{:.2g}", value);
  if (std::abs(value) < 10 && value != std::floor(value)) return fmt::format("{:.1f}", value);
  std::string text = fmt::format("{:.0f}", value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

std::string per_cent(double share) {
  const double hundred = 100 * share;
  return std::abs(hundred) < 9.95 ? fmt::format("{:.1f} %", hundred) : fmt::format("{:.0f} %", hundred);
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} us", 1e6 * seconds);
  if (seconds < 0.1) return fmt::format("{:.1f} ms", 1e3 * seconds);
  if (seconds < 10) return fmt::format("{:.0f} ms", 1e3 * seconds);
  return fmt::format("{:.1f} s", seconds);
}

std::string_view words_for(Basis basis) {
  switch (basis) {
    case Basis::kMeasured: return "measured here";
    case Basis::kPublished: return "published";
    case Basis::kAssumed: break;
  }
  return "assumed";
}

}  // namespace kerf
