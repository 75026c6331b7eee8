#include "kerf/apps/probe/rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(MiddleTest, IsTheMiddleWithItsQuartiles) {
  EXPECT_DOUBLE_EQ(middle({}).value, 0);
  EXPECT_DOUBLE_EQ(middle({7}).value, 7);
  EXPECT_DOUBLE_EQ(middle({4, 1}).value, 2.5);
  const Middle m = middle({100, 1, 3, 2, 4});
  EXPECT_DOUBLE_EQ(m.value, 3) << "one sample out of line does not count";
  EXPECT_DOUBLE_EQ(m.quartiles, 2);
  EXPECT_DOUBLE_EQ(m.low, 2);
}

TEST(RoundsTest, ExperimentsTakeTurns) {
  std::string order;
  std::vector<double> taken;
  Rounds rounds;
  double drift = 0;
  for (const char name : {'a', 'b'}) {
    rounds.add(
        [&, name] {
          order += name;
          return ++drift;
        },
        [&](const Middle& m) { taken.push_back(m.value); });
  }
  rounds.run(0, 3, [](double) {});
  EXPECT_EQ(order, "abababab") << "a turn to warm up, then three that count";
  EXPECT_THAT(taken, testing::ElementsAre(5, 6));
}

TEST(RoundsTest, ProgressEndsWithAll) {
  Rounds rounds;
  rounds.add([] { return 1.0; }, [](const Middle&) {});
  double last = 0;
  rounds.run(0, 4, [&](double done) {
    EXPECT_GE(done, last);
    last = done;
  });
  EXPECT_DOUBLE_EQ(last, 1);
}

}  // namespace
}  // namespace kerf
