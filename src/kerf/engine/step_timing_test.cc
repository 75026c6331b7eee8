#include "kerf/engine/step_timing.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(StepTiming, TravelsBehindAMessageAndLeavesItAsItWas) {
  const std::vector<StepTiming> timings = {
      {.step = 7, .rank = 2, .tokens = 9, .begin_ns = 1, .end_ns = 5, .comm_ns = {3}},
      {.step = 8, .rank = 0, .tokens = 1, .begin_ns = 6, .end_ns = 9, .comm_ns = {}}};
  for (const size_t size : {0, 1, 1000}) {
    const Bytes original(size, std::byte{42});
    for (const auto& sent : {timings, std::vector<StepTiming>()}) {
      Bytes message = original;
      append(message, sent);
      EXPECT_EQ(take_off(message), sent);
      EXPECT_EQ(message, original);
    }
  }
}

}  // namespace
}  // namespace kerf
