// What rank 0 knows of how its stages spent their time.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/replica.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

TEST(StepTiming, RankZeroIsToldOfEveryStage) {
  const testing::TinyModel model({.layers = 4});
  const Request request{.id = 1,
                        .prompt_ids = {1, 2, 3, 4, 5, 6, 7, 8},
                        .params = {.temperature = 0, .max_tokens = 6, .ignore_eos = true}};
  for (const Plan& plan : {Plan{}, Plan{.tp = 2}, Plan{.pp = 2}, Plan{.tp = 2, .pp = 2}, Plan{.pp = 4}}) {
    SCOPED_TRACE("tp " + std::to_string(plan.tp) + " pp " + std::to_string(plan.pp));
    const auto run = testing::run_replica(model.dir, {.plan = plan}, {request});
    std::map<int64_t, std::map<int32_t, StepTiming>> steps;
    for (const StepTiming& timing : run.timings) {
      EXPECT_TRUE(steps[timing.step].emplace(timing.rank, timing).second) << "told twice";
      EXPECT_LE(timing.begin_ns, timing.end_ns);
      EXPECT_LE(timing.all_comm_ns(), timing.end_ns - timing.begin_ns + kCommOps);  // rounded, each
      EXPECT_EQ(timing.all_comm_ns() > 0, plan.ranks() > 1);
    }
    ASSERT_EQ(steps.size(), 6U);  // the prompt, then a token each
    for (const auto& [step, ranks] : steps) {
      if (step < 5) {
        EXPECT_EQ(ranks.size(), static_cast<size_t>(plan.pp)) << "step " << step;  // the last is still on its way
      }
      for (const auto& [rank, timing] : ranks) {
        EXPECT_EQ(rank % plan.tp, 0);
        EXPECT_EQ(timing.tokens, step == 0 ? 8 : 1);
        if (rank > 0 && ranks.contains(rank - plan.tp)) {
          EXPECT_GE(timing.begin_ns, ranks.at(rank - plan.tp).begin_ns);
        }
      }
    }
  }
}

}  // namespace
}  // namespace kerf
