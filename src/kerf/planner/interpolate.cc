#include "kerf/planner/interpolate.h"

#include <algorithm>

namespace kerf {

Curve::Curve(std::vector<CurvePoint> points) {
  std::ranges::stable_sort(points, {}, &CurvePoint::x);
  for (size_t i = 0; i < points.size();) {
    CurvePoint mean{points[i].x, 0};
    size_t end = i;
    for (; end < points.size() && points[end].x == mean.x; ++end) mean.y += points[end].y;
    mean.y /= static_cast<double>(end - i);
    points_.push_back(mean);
    i = end;
  }
}

double Curve::at(double x, Beyond beyond) const {
  if (x <= points_.front().x) return points_.front().y;
  if (x > points_.back().x) {
    const CurvePoint& last = points_.back();
    if (beyond == Beyond::kConstant || points_.size() == 1) {
      return beyond == Beyond::kConstant || last.x <= 0 ? last.y : last.y * x / last.x;
    }
    if (beyond == Beyond::kProportional) return last.y * x / last.x;
    const CurvePoint& before = points_[points_.size() - 2];
    return last.y + std::max(0.0, (last.y - before.y) / (last.x - before.x)) * (x - last.x);
  }
  const auto right = std::ranges::lower_bound(points_, x, {}, &CurvePoint::x);
  const auto left = right - 1;
  return left->y + (right->y - left->y) * (x - left->x) / (right->x - left->x);
}

}  // namespace kerf
