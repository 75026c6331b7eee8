#include "kerf/apps/predict/step_predictor.h"

#include <gtest/gtest.h>

#include "kerf/mesh/partition.h"
#include "src/kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

constexpr int64_t kBlock = 64;

ModelShape llama(int64_t layers) {
  ModelShape model;
  model.hidden_size = 1024;
  model.vocab_size = 32000;
  model.embedding_params = model.head_params = model.vocab_size * model.hidden_size;
  LayerShape layer;
  layer.attention.heads = 16;
  layer.attention.kv_heads = 4;
  layer.attention.head_dim = layer.attention.v_head_dim = 64;
  layer.attention.column_params = 1024 * 1024 * 3 / 2;
  layer.attention.kv_column_params = 1024 * 1024 / 2;
  layer.attention.row_params = 1024 * 1024;
  layer.mlp.intermediate = 4096;
  layer.mlp.dense_params = 3 * 4096 * 1024;
  model.kinds = {layer};
  model.layers.assign(static_cast<size_t>(layers), 0);
  return model;
}

StepPredictor predictor(const Plan& plan, int64_t layers = 16) {
  return {llama(layers), testing::probed_machine(), plan, kBlock, 1};
}

TEST(StepPredictor, CutsLayersAsTheRanksDo) {
  ModelSpec model;
  for (const Plan& plan : {Plan{}, Plan{.pp = 4}, Plan{.pp = 3, .pp_layers = {20, 21, 20}}}) {
    model.layers.resize(61);
    const std::vector<StageLayers> stages = stages_of(61, plan);
    ASSERT_EQ(stages.size(), static_cast<size_t>(plan.pp));
    for (const StageLayers& stage : stages) {
      const Range layers = stage_layers(model, plan, stage.stage);
      EXPECT_EQ(stage.first, layers.begin);
      EXPECT_EQ(stage.count, layers.size());
      EXPECT_EQ(stage.embeds, stage.stage == 0);
      EXPECT_EQ(stage.heads, stage.stage == plan.pp - 1);
    }
  }
}

TEST(StepPredictor, AStageIsOfItsOwnLayers) {
  // The last of two stages has the output head beside the same layers; ranks 2 and 3 are the second stage of tp 2.
  const StepPredictor made = predictor({.tp = 2, .pp = 2});
  const SchedulerStats stats{.running = 2};
  const auto of_rank = [&](int rank) { return made.stage_s({.rank = rank, .tokens = 1}, stats); };
  EXPECT_GT(of_rank(0), 0);
  EXPECT_EQ(of_rank(0), of_rank(1));
  EXPECT_EQ(of_rank(2), of_rank(3));
  EXPECT_GT(of_rank(2), of_rank(0));
  EXPECT_EQ(of_rank(4), 0) << "no such stage";
}

TEST(StepPredictor, SequencesShareTheCacheAndTheStagesStepsShareThem) {
  const Plan plan{.pp = 2};
  const StepPredictor made = predictor(plan);
  const auto model = [shape = llama(16), machine = testing::probed_machine()](const Plan& p, const StepShape& step) {
    return make_host_step_model(shape, machine, {.name = "kerf"}, 1)->stage(p, {0, 0, 8, true, false}, step).total();
  };
  // 8 sequences of 4 blocks each, 4 of them in each of the two steps under way.
  const SchedulerStats stats{.running = 8, .blocks_used = 32};
  EXPECT_DOUBLE_EQ(made.stage_s({.tokens = 4}, stats),
                   model(plan, {.tokens = 4, .sequences = 4, .context = 4 * kBlock}));
  // Many more tokens than sequences: a prompt is among them.
  EXPECT_DOUBLE_EQ(made.stage_s({.tokens = 200}, stats),
                   model(plan, {.tokens = 200, .sequences = 4, .context = 4 * kBlock, .prefill = true}));
}

TEST(StepPredictor, AnEmptyStepTakesNoTimeAndAnIdleSchedulerIsNoTrouble) {
  const StepPredictor made = predictor({});
  EXPECT_EQ(made.stage_s({.tokens = 0}, {}), 0);
  // The answer's last step may be reported when nothing runs any more.
  EXPECT_DOUBLE_EQ(made.stage_s({.tokens = 1}, {}), made.stage_s({.tokens = 1}, {.running = 1}));
}

}  // namespace
}  // namespace kerf
