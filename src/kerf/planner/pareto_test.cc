#include "kerf/planner/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ParetoFront, KeepsWhatNothingBeatsInBoth) {
  const std::vector<ParetoPoint> points = {{10, 100}, {20, 300}, {15, 90}, {5, 50}, {30, 300}, {12, 200}};
  EXPECT_THAT(pareto_front(points), ElementsAre(3, 0, 5, 1));
}

TEST(ParetoFront, EqualPointsCountOnce) {
  const std::vector<ParetoPoint> points = {{10, 100}, {10, 100}, {10, 80}};
  EXPECT_THAT(pareto_front(points), ElementsAre(0));
  EXPECT_THAT(pareto_front({}), IsEmpty());
}

}  // namespace
}  // namespace kerf
