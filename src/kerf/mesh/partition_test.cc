#include "kerf/mesh/partition.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

ModelSpec model(int64_t heads, int64_t kv_heads, int64_t intermediate, int64_t layers) {
  return {.intermediate_size = intermediate,
          .num_heads = heads,
          .num_kv_heads = kv_heads,
          .head_dim = 16,
          .vocab_size = 521,
          .layers = std::vector<LayerSpec>(static_cast<size_t>(layers))};
}

// Each item owned exactly once, for every p.
TEST(Partition, CoversHeadsIntermediateVocabAndLayersOnce) {
  for (const ModelSpec& spec :
       {model(8, 4, 768, 8), model(28, 4, 18944, 61), model(6, 3, 330, 3), model(64, 8, 29568, 80)}) {
    for (int p = 1; p <= 16; ++p) {
      const Plan plan{.tp = p};
      if (!check_plan(spec, plan).ok()) {
        EXPECT_GT(p, spec.num_heads);
        continue;
      }
      const TensorCut cut = cut_tensors(spec, plan);
      Range heads, inner, vocab;
      for (int r = 0; r < p; ++r) {
        for (auto [whole, part] :
             {std::pair{&heads, cut.heads.units(r)}, {&inner, cut.intermediate.units(r)}, {&vocab, cut.vocab(r)}}) {
          EXPECT_EQ(part.begin, whole->end);
          EXPECT_GT(part.size(), 0);
          whole->end = part.end;
        }
        // Every query head finds its KV head on this rank.
        const int64_t group = spec.num_heads / spec.num_kv_heads;
        const Range q = cut.heads.units(r);
        const Range kv = cut.kv_heads(r, spec);
        EXPECT_LE(kv.begin, q.begin / group);
        EXPECT_GT(kv.end, (q.end - 1) / group);
        EXPECT_EQ(cut.heads.local_bounds(r, 16).back(), q.size() * 16);
      }
      EXPECT_EQ(heads.end, spec.num_heads);
      EXPECT_EQ(inner.end, spec.intermediate_size);
      EXPECT_EQ(vocab.end, spec.vocab_size);
    }
    for (int p = 1; p <= spec.num_layers(); ++p) {
      int64_t next = 0;
      for (int stage = 0; stage < p; ++stage) {
        const Range layers = stage_layers(spec, {.pp = p}, stage);
        EXPECT_EQ(layers.begin, next);
        EXPECT_GT(layers.size(), 0);
        EXPECT_LE(layers.size(), spec.num_layers() / p + 1);
        next = layers.end;
      }
      EXPECT_EQ(next, spec.num_layers());
    }
  }
}

TEST(Partition, ReplicatesKvHeadsWhenRanksOutnumberThem) {
  const TensorCut cut = cut_tensors(model(8, 4, 768, 8), {.tp = 8});
  EXPECT_EQ(cut.kv_heads(0, model(8, 4, 768, 8)), (Range{0, 1}));
  EXPECT_EQ(cut.kv_heads(1, model(8, 4, 768, 8)), (Range{0, 1}));
  EXPECT_EQ(cut.kv_heads(2, model(8, 4, 768, 8)), (Range{1, 2}));
}

TEST(Partition, SlicesBelongToTheModelAndNotToThePlan) {
  const ModelSpec spec = model(28, 4, 330, 3);
  const TensorCut whole = cut_tensors(spec, {});
  for (int p = 2; p <= 16; ++p) {
    const TensorCut cut = cut_tensors(spec, {.tp = p});
    EXPECT_EQ(cut.heads.slice_bounds, whole.heads.slice_bounds);
    EXPECT_EQ(cut.intermediate.slice_bounds, whole.intermediate.slice_bounds);
  }
}

TEST(Partition, SlicesOfAWideMlpHoldWholeGroupsOfQuantisedWeights) {
  for (const int64_t bound : cut_tensors(model(8, 4, 11008, 8), {}).intermediate.slice_bounds) {
    EXPECT_EQ(bound % 32, 0);
  }
  // 24 groups would make slices of one and of two.
  const std::vector<int64_t> narrow = cut_tensors(model(8, 4, 768, 8), {}).intermediate.slice_bounds;
  for (size_t i = 0; i + 1 < narrow.size(); ++i) EXPECT_EQ(narrow[i + 1] - narrow[i], 48);
}

TEST(Partition, FollowsGivenWeightsAndLayers) {
  const ModelSpec spec = model(8, 4, 768, 8);
  const TensorCut cut = cut_tensors(spec, {.tp = 2, .tp_weights = {3, 1}});
  EXPECT_EQ(cut.heads.units(0), (Range{0, 6}));
  EXPECT_EQ(cut.intermediate.units(1), (Range{576, 768}));
  EXPECT_EQ(stage_layers(spec, {.pp = 2, .pp_layers = {3, 5}}, 1), (Range{3, 8}));
}

TEST(Partition, RefusesWhatCannotBeCut) {
  const ModelSpec spec = model(8, 4, 768, 8);
  const auto message = [&](const Plan& plan) { return check_plan(spec, plan).error().message; };
  EXPECT_EQ(message({.tp = 9}), "tp 9 is too large: this model's 8 attention heads can be cut over at most 8 ranks");
  EXPECT_EQ(message({.pp = 9}), "pp 9 is too large: the model has 8 layers");
  EXPECT_EQ(message({.pp = 2, .pp_layers = {3, 4}}), "--pp-layers sums to 7, the model has 8 layers");
  EXPECT_EQ(message({.pp = 2, .pp_layers = {8}}), "--pp-layers gives 1 stages for pp 2");
  EXPECT_EQ(message({.tp = 2, .tp_weights = {1}}), "--tp-weights gives 1 weights for tp 2");
  EXPECT_EQ(message({.tp = 2, .tp_weights = {1, -1}}), "--tp-weights: -1 is not between 0 and 1e6");
  EXPECT_TRUE(check_plan(spec, {.tp = 8, .pp = 8}).ok());
}

}  // namespace
}  // namespace kerf
