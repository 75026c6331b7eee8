// The step model of a probed host, over a small Llama.
#include <gtest/gtest.h>

#include "kerf/planner/step_model.h"
#include "src/kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

ModelShape llama(int64_t layers = 16, int64_t hidden = 1024) {
  ModelShape model;
  model.hidden_size = hidden;
  model.vocab_size = 32000;
  model.embedding_params = model.head_params = model.vocab_size * hidden;
  LayerShape layer;
  layer.attention.heads = 16;
  layer.attention.kv_heads = 4;
  layer.attention.head_dim = layer.attention.v_head_dim = hidden / 16;
  layer.attention.column_params = hidden * hidden * 3 / 2;
  layer.attention.kv_column_params = hidden * hidden / 2;
  layer.attention.row_params = hidden * hidden;
  layer.mlp.intermediate = 4 * hidden;
  layer.mlp.dense_params = 3 * 4 * hidden * hidden;
  model.kinds = {layer};
  model.layers.assign(static_cast<size_t>(layers), 0);
  return model;
}

class HostStepModelTest : public ::testing::Test {
 protected:
  // The step's time over all stages, one after the other.
  double step_s(const Plan& plan, const StepShape& step, int threads = 0) {
    const auto model = make_host_step_model(model_, machine_, {}, threads);
    double sum = 0;
    for (int stage = 0; stage < plan.pp; ++stage) {
      const int64_t count = model_.num_layers() / plan.pp;
      sum += model->stage(plan, {stage, stage * count, count, stage == 0, stage + 1 == plan.pp}, step).total();
    }
    return sum;
  }

  MachineSpec machine_ = testing::probed_machine();
  ModelShape model_ = llama();
};

TEST_F(HostStepModelTest, DecodingReadsEveryWeightOnce) {
  // 16 layers of 14.5 · 1024² and a head of 32.8 M weights in bf16, at 20 GB/s on one thread.
  const double bytes = 2.0 * (16 * 14.5 * 1024 * 1024 + 32000 * 1024);
  EXPECT_NEAR(step_s({}, {.tokens = 1, .sequences = 1, .context = 64}, 1), bytes / 20e9, 0.05 * bytes / 20e9);
  EXPECT_NEAR(step_s({}, {.tokens = 1, .sequences = 1, .context = 64}, 4), bytes / 40e9, 0.05 * bytes / 40e9);
}

TEST_F(HostStepModelTest, TimeGrowsWithTokensContextAndSequences) {
  double before = 0;
  for (const double tokens : {1, 2, 4, 16, 64, 100, 256, 512, 2000}) {
    const double now = step_s({}, {.tokens = tokens, .sequences = tokens, .context = 100});
    EXPECT_GT(now, before) << tokens;
    before = now;
  }
  EXPECT_GT(step_s({}, {.tokens = 1, .sequences = 1, .context = 8000}),
            step_s({}, {.tokens = 1, .sequences = 1, .context = 100}));
}

TEST_F(HostStepModelTest, TensorParallelismPaysForItsCollectives) {
  const auto model = make_host_step_model(model_, machine_, {});
  const StageLayers all{0, 0, 16, true, true};
  const StepShape decode{.tokens = 1, .sequences = 1, .context = 100};
  const StepCost alone = model->stage({.tp = 1}, all, decode);
  EXPECT_DOUBLE_EQ(alone.comm_s(), 0);
  const StepCost two = model->stage({.tp = 2}, all, decode);
  // Two all-reduces a layer and the embedding's, of 4 KB: between the 1 and the 100 us of 1 KB and 1 MB. The head
  // gathers.
  EXPECT_GT(two.all_reduce_s, 33 * 1e-6);
  EXPECT_LT(two.all_reduce_s, 33 * 2e-6 + 20e-6);
  const StepCost with_sp = model->stage({.tp = 2, .sp = true}, all, decode);
  EXPECT_GT(with_sp.all_reduce_s, 1.5 * two.all_reduce_s) << "two collectives in place of each";
}

TEST_F(HostStepModelTest, StagesOfOneSequenceTakeTurnsAndOfManyOverlap) {
  const auto model = make_host_step_model(model_, machine_, {}, 1);
  const StageLayers last{3, 12, 4, false, true};
  const StepShape alone{.tokens = 1, .sequences = 1, .context = 100, .active = 0.25};
  StepShape together = alone;
  together.active = 1;
  // Alone a stage has 20 GB/s; four at once have 40 together.
  const double ratio = model->stage({.pp = 4}, last, together).total() / model->stage({.pp = 4}, last, alone).total();
  EXPECT_NEAR(ratio, 2, 0.1);
}

TEST_F(HostStepModelTest, AHopBetweenHostsCostsWhatMpiCosts) {
  const StepShape step{.tokens = 64, .sequences = 64, .context = 100};
  const StageLayers first{0, 0, 8, true, false};
  const double here = make_host_step_model(model_, machine_, {}, 1)->stage({.pp = 2}, first, step).send_s;
  machine_.node_names = {"a", "b"};
  const double there = make_host_step_model(model_, machine_, {}, 1)->stage({.pp = 2}, first, step).send_s;
  EXPECT_NEAR(there / here, 10, 0.5);
}

TEST_F(HostStepModelTest, MoreRanksThanCoresAreSlower) {
  machine_.host.cores = 2;
  machine_.host.read_gb_per_s.resize(2);
  const StepShape prefill{.tokens = 256, .sequences = 1, .context = 0, .prefill = true};
  EXPECT_GT(step_s({.tp = 4}, prefill), 0.99 * step_s({.tp = 2}, prefill));
}

TEST_F(HostStepModelTest, UnevenCutsWaitForTheFullestRank) {
  const StepShape prefill{.tokens = 256, .sequences = 1, .context = 0, .prefill = true};
  const double even = step_s({.tp = 2}, prefill, 1);
  EXPECT_GT(step_s({.tp = 2, .tp_weights = {3, 1}}, prefill, 1), 1.3 * even);
}

TEST_F(HostStepModelTest, SaysWhatItRestsOn) {
  const auto model = make_host_step_model(model_, machine_, {});
  EXPECT_EQ(model->basis(), Basis::kMeasured);
  EXPECT_GE(model->relative_error(), 0.05);
}

}  // namespace
}  // namespace kerf
