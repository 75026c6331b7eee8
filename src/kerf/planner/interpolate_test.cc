#include "kerf/planner/interpolate.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(Curve, PassesThroughItsPointsAndStraightBetween) {
  const Curve curve({{4, 40}, {1, 10}, {2, 30}});
  EXPECT_DOUBLE_EQ(curve.at(1, Beyond::kConstant), 10);
  EXPECT_DOUBLE_EQ(curve.at(2, Beyond::kConstant), 30);
  EXPECT_DOUBLE_EQ(curve.at(1.5, Beyond::kConstant), 20);
  EXPECT_DOUBLE_EQ(curve.at(3, Beyond::kConstant), 35);
}

TEST(Curve, IsConstantBeforeTheFirstPoint) { EXPECT_DOUBLE_EQ(Curve({{8, 3}, {16, 5}}).at(0, Beyond::kLinear), 3); }

TEST(Curve, GoesOnBeyondTheLastPointAsAsked) {
  const Curve curve({{1, 10}, {2, 12}});
  EXPECT_DOUBLE_EQ(curve.at(4, Beyond::kConstant), 12);
  EXPECT_DOUBLE_EQ(curve.at(4, Beyond::kLinear), 16);
  EXPECT_DOUBLE_EQ(curve.at(4, Beyond::kProportional), 24);
  EXPECT_DOUBLE_EQ(Curve({{1, 10}, {2, 8}}).at(9, Beyond::kLinear), 8) << "noise must not lead below zero";
}

TEST(Curve, TakesTheMeanOfPointsAtOnePlace) {
  EXPECT_DOUBLE_EQ(Curve({{1, 10}, {1, 20}}).at(1, Beyond::kConstant), 15);
}

}  // namespace
}  // namespace kerf
