// Interpolation of measured curves.
#pragma once

#include <vector>

namespace kerf {

struct CurvePoint {
  double x = 0;
  double y = 0;
};

// What lies beyond the last point.
enum class Beyond { kConstant, kLinear, kProportional };

// A curve through measured points, straight between them, constant before the first.
class Curve {
 public:
  Curve() = default;
  // Points in any order; of several with one x the mean counts.
  explicit Curve(std::vector<CurvePoint> points);

  [[nodiscard]] bool empty() const { return points_.empty(); }
  [[nodiscard]] const CurvePoint& back() const { return points_.back(); }
  // REQUIRES: !empty()
  [[nodiscard]] double at(double x, Beyond beyond) const;

 private:
  std::vector<CurvePoint> points_;  // ascending x
};

}  // namespace kerf
