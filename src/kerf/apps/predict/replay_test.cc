// The replay against stages whose times are known: what it adds up must be what the engine would do.
#include "kerf/apps/predict/replay.h"

#include <gtest/gtest.h>

#include "kerf/apps/predict/bench_test_plan.h"
#include "kerf/kernels/kernels.h"

namespace kerf {
namespace {

// A millisecond for each token, plus one for a step, whatever the stage.
class FlatSteps final : public StepModel {
 public:
  [[nodiscard]] StepCost stage(const Plan&, const StageLayers&, const StepShape& step) const override {
    return {.compute_s = (1 + step.tokens) * 1e-3};
  }
  [[nodiscard]] bool room(const Plan&) const override { return true; }
  [[nodiscard]] Basis basis() const override { return Basis::kAssumed; }
  [[nodiscard]] double relative_error() const override { return 0; }
};

class ReplayTest : public ::testing::Test {
 protected:
  RunFigures run(const Plan& plan, const BenchTest& test) {
    const SchedulerConfig config{.max_num_seqs = 8,
                                 .max_num_batched_tokens = 100,
                                 .steps_in_flight = plan.pp,
                                 .max_model_len = 1000,
                                 .vocab_size = 50,
                                 .num_blocks = 200,
                                 .block_size = kBlock};
    Replay replay(steps_, shape_, plan, config);
    return run_test(replay, test, 50).value();
  }
  ReplayTest() { shape_.layers.assign(4, 0); }

  FlatSteps steps_;
  ModelShape shape_;
};

TEST_F(ReplayTest, PromptsGoInChunks) {
  const RunFigures figures = run({}, {.batch = 1, .prompt = 250});
  EXPECT_EQ(figures.steps, 3);
  EXPECT_NEAR(figures.seconds, 0.253, 1e-9);
  EXPECT_NEAR(figures.tokens_per_s(), 250 / 0.253, 1e-6);
}

TEST_F(ReplayTest, DecodingIsAStepForEachToken) {
  const RunFigures one = run({}, {.batch = 1, .prompt = 10, .decode = 20});
  EXPECT_NEAR(one.tokens_per_s(), 1 / 0.002, 1e-6);
  const RunFigures four = run({}, {.batch = 4, .prompt = 10, .decode = 20});
  EXPECT_NEAR(four.tokens_per_s(), 4 / 0.005, 1e-6);
}

TEST_F(ReplayTest, OneSequenceWaitsForEveryStageAndManyFillThem) {
  EXPECT_NEAR(run({.pp = 2}, {.batch = 1, .prompt = 10, .decode = 20}).tokens_per_s(), 1 / 0.004, 1e-6);
  // Two steps in flight, each of two sequences: a step leaves the pipeline every 3 ms.
  EXPECT_NEAR(run({.pp = 2}, {.batch = 4, .prompt = 10, .decode = 40}).tokens_per_s(), 2 / 0.003, 20);
}

TEST(BenchTests, AreEveryBatchAndCount) {
  const BenchTests tests{.prefill = {128, 512}, .decode = {64}, .batch = {1, 4}};
  std::string names;
  for (const BenchTest& test : tests.list()) names += test.name() + " x" + std::to_string(test.batch) + ", ";
  EXPECT_EQ(names, "prefill 128 x1, prefill 512 x1, decode 64 x1, prefill 128 x4, prefill 512 x4, decode 64 x4, ");
  EXPECT_GE(tests.longest_sequence(), 513);
}

}  // namespace
}  // namespace kerf
