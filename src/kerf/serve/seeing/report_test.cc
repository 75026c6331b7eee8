#include "kerf/serve/seeing/report.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

constexpr int64_t kMs = 1'000'000;

StepTiming timing(int64_t step, int32_t rank, int64_t begin_ms, int64_t end_ms, int64_t comm_ms = 0) {
  return {.step = step,
          .rank = rank,
          .tokens = 4,
          .begin_ns = begin_ms * kMs,
          .end_ns = end_ms * kMs,
          .comm_ns = {comm_ms * kMs}};
}

TEST(ReportMaker, ASingleStageHasNoBubbleHoweverLongItWaits) {
  ReportMaker maker;
  const ReplicaReport report = maker.report({}, {timing(0, 0, 0, 10, 2), timing(1, 0, 1000, 1010, 2)});
  EXPECT_DOUBLE_EQ(report.compute_s, 0.016);
  EXPECT_DOUBLE_EQ(report.comm_s[0], 0.004);
  EXPECT_EQ(report.idle_s, 0);
}

// One step in flight over two stages: each is idle while the other works, half of the time.
TEST(ReportMaker, TheBubbleIsWhenAnotherStageWorks) {
  ReportMaker maker;
  std::vector<StepTiming> timings;
  for (int64_t step = 0; step < 10; ++step) {
    timings.push_back(timing(step, 0, 20 * step, 20 * step + 10));
    timings.push_back(timing(step, 1, 20 * step + 10, 20 * step + 20));
  }
  const ReplicaReport report = maker.report({}, timings);
  EXPECT_NEAR(report.compute_s, 0.2, 1e-9);
  EXPECT_NEAR(report.idle_s, 0.2, 1e-9);
  // An hour without requests adds nothing.
  const ReplicaReport later =
      maker.report({}, {timing(10, 0, 3'600'000, 3'600'010), timing(10, 1, 3'600'010, 3'600'020)});
  EXPECT_NEAR(later.idle_s, 0.22, 1e-9);
}

TEST(ReportMaker, FullStagesHaveNoBubbleWhateverOrderTheyAreToldIn) {
  ReportMaker maker;
  std::vector<StepTiming> timings;
  for (int64_t step = 0; step < 1000; ++step) {  // the second stage is told of a step late, as it is
    timings.push_back(timing(step, 0, 10 * step, 10 * step + 10));
    if (step >= 2) timings.push_back(timing(step - 2, 1, 10 * (step - 1), 10 * step));
  }
  const ReplicaReport report = maker.report({}, timings);
  EXPECT_NEAR(report.compute_s, 19.98, 1e-6);
  EXPECT_LE(report.idle_s, 0.021);
}

TEST(ReportMaker, SumsGoOnAndStepsAreOnlyTheNewOnes) {
  ReportMaker maker;
  (void)maker.report({}, {timing(0, 0, 0, 10)});
  const ReplicaReport report =
      maker.report({.waiting = 2,
                    .running = 3,
                    .blocks = 10,
                    .blocks_used = 5,
                    .blocks_cached = 2,
                    .preemptions = 4,
                    .prefix_queries = 64,
                    .prefix_hits = 16},
                   {timing(1, 0, 10, 30)}, [](const StepTiming& step) { return step.step == 1 ? 0.015 : 0; });
  EXPECT_DOUBLE_EQ(report.compute_s, 0.03);
  ASSERT_EQ(report.steps.size(), 1U);
  EXPECT_EQ(report.steps[0].step, 1);
  EXPECT_EQ(report.steps[0].predicted_s, 0.015);
  EXPECT_EQ(report.steps[0].tokens, 4);
  EXPECT_EQ(report.running, 3);
  EXPECT_EQ(report.waiting, 2);
  EXPECT_EQ(report.blocks_free, 3);
  EXPECT_EQ(report.prefix_hits, 16);
  EXPECT_EQ(report.preemptions, 4);
}

}  // namespace
}  // namespace kerf
