#include "kerf/serve/restart_policy.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

using namespace std::chrono_literals;

TEST(RestartPolicy, StartsAgainAtOnceTheFirstTimesThenWaitsLongerAndLonger) {
  RestartPolicy policy;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(policy.on_loss(0ms), 0ms);
  EXPECT_EQ(policy.on_loss(0ms), 500ms);
  EXPECT_EQ(policy.on_loss(100ms), 1000ms);
  for (int i = 0; i < 50; ++i) EXPECT_LE(policy.on_loss(0ms), 30'000ms);
  EXPECT_EQ(policy.on_loss(0ms), 30'000ms);
}

TEST(RestartPolicy, AReplicaThatServedForAWhileIsSoundAgain) {
  RestartPolicy policy;
  for (int i = 0; i < 10; ++i) (void)policy.on_loss(0ms);
  EXPECT_EQ(policy.on_loss(1h), 0ms);
  EXPECT_EQ(policy.in_a_row(), 1);
}

}  // namespace
}  // namespace kerf
