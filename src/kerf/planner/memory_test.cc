#include "kerf/planner/memory.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "kerf/io/model_shape.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

ModelShape load(const std::string& name, const std::string& quantization = "") {
  Result<ModelShape> shape = load_model_shape(name);
  EXPECT_TRUE(shape.ok()) << (shape.ok() ? "" : shape.error().message);
  ModelShape model = shape.ok() ? *shape : ModelShape{};
  EXPECT_TRUE(quantization.empty() || apply_quantization(model, quantization).ok());
  return model;
}

const DeviceKind kA100{.name = "A100-80G-SXM", .memory_bytes = 80e9};
const DeviceKind kH100{.name = "H100-SXM", .memory_bytes = 85e9};
const EngineSpec kVllm;

// FIELD: weights of 70B and 405B; 4-bit AWQ with scales and zero points; what a GPU holds at TP 4.
TEST(WeightBytes, AreParametersTimesBits) {
  EXPECT_NEAR(weight_bytes(load("Llama-3-70B")) / 1e9, 141.1, 0.05);
  EXPECT_NEAR(weight_bytes(load("Llama-3.1-405B")) / 1e9, 811.7, 0.05);
  EXPECT_NEAR(weight_bytes(load("Llama-3.1-8B")) / 1e9, 16, 0.1);
}

// FIELD: "8B/70B/405B/1.8T = 16/140/810/3600 GB" in 16 bits, half in 8, a quarter in 4 (plus scales).
TEST(WeightBytes, HalveWithTheBits) {
  ModelShape trillions;
  trillions.embedding_params = 1'800'000'000'000;
  EXPECT_NEAR(weight_bytes(trillions) / 1e9, 3600, 1e-6);
  const double whole = weight_bytes(load("Llama-3-70B"));
  EXPECT_NEAR(weight_bytes(load("Llama-3-70B", "fp8")) / whole, 0.5, 0.02);
  EXPECT_NEAR(weight_bytes(load("Llama-3-70B", "nvfp4")) / whole, 0.28, 0.03);
}

TEST(WeightBytes, OfGptOssAreThoseOfItsIndex) {
  // metadata.total_size of openai/gpt-oss-120b and 20b.
  EXPECT_EQ(weight_bytes(load("gpt-oss-120b")), 65'248'815'744);
  EXPECT_EQ(weight_bytes(load("gpt-oss-20b")), 13'761'264'768);
}

TEST(WeightBytes, OfFourBitsHaveScalesAndZeroPoints) {
  const ModelShape model = load("Llama-3-70B", "awq");
  EXPECT_NEAR(model.mlp_format.bits_per_weight(), 4.16, 0.005);
  EXPECT_NEAR(weight_bytes(model) / 1e9, 39.8, 0.05);
  const PlanMemory memory = plan_memory(model, kA100, kVllm, Plan{.tp = 4}, Workload{});
  EXPECT_NEAR(memory.weight_bytes / 1e9, 9.9, 0.05);
}

TEST(KvBytes, OfOneTokenOf70B) { EXPECT_EQ(kv_bytes_per_token(load("Llama-3-70B")), 327'680); }

TEST(KvBytes, ReplicateWhenTpExceedsTheHeads) {
  const ModelShape model = load("Llama-3-70B");
  const MemoryModel memory(model, kH100, kVllm, Workload{});
  EXPECT_EQ(memory.plan({.tp = 4}).stages[0].kv_bytes_per_token, 327'680 / 4);
  EXPECT_EQ(memory.plan({.tp = 8}).stages[0].kv_bytes_per_token, 327'680 / 8);
  EXPECT_EQ(memory.plan({.tp = 16}).stages[0].kv_bytes_per_token, 327'680 / 8);
}

TEST(Sequence, ParallelismDividesTheHiddenState) {
  const ModelShape model = load("Llama-3-70B");
  EXPECT_NEAR(hidden_state_bytes(model, Plan{.tp = 8}, 128 * 1024) / 1e9, 2.1, 0.05);
  EXPECT_NEAR(hidden_state_bytes(model, Plan{.tp = 8, .sp = true}, 128 * 1024) / 1e9, 2.1 / 8, 0.01);
}

// FIELD: 32 A100-80 have 2.56 TB.
TEST(PlanMemory, AddsUpToWhatAClusterHas) {
  EngineSpec all = kVllm;
  all.memory_utilization = 1;
  const PlanMemory memory = plan_memory(load("Llama-3.1-405B"), kA100, all, Plan{.tp = 8, .pp = 4}, Workload{});
  double bytes = 0;
  for (const RankMemory& rank : memory.stages) bytes += rank.available_bytes * 8;
  EXPECT_DOUBLE_EQ(bytes, 2.56e12);
  EXPECT_TRUE(memory.fits);
}

TEST(PlanMemory, SaysWhatIsMissing) {
  const ModelShape model = load("Llama-3-70B");
  const PlanMemory memory = plan_memory(model, kA100, kVllm, Plan{}, Workload{});
  EXPECT_FALSE(memory.fits);
  EXPECT_THAT(memory.why, AllOf(HasSubstr("141.1 GB"), HasSubstr("72.0 GB"), HasSubstr("missing")));
  EXPECT_EQ(memory.kv_tokens, 0);
  EXPECT_TRUE(plan_memory(model, kA100, kVllm, Plan{.tp = 4}, Workload{}).fits);
}

// FIELD 3, mistake 5.
TEST(PlanMemory, SaysWhenWeightsFitAndOneSequenceDoesNot) {
  const ModelShape model = load("Llama-3-70B");
  const PlanMemory memory = plan_memory(model, kA100, kVllm, Plan{.tp = 2}, Workload{.isl = 8000, .osl = 500});
  EXPECT_FALSE(memory.fits);
  EXPECT_THAT(memory.why, HasSubstr("cache of one sequence of 8500 tokens"));
}

// Every rank's weights together are the model's where nothing is replicated but norms.
TEST(PlanMemory, CutsHoldTheModelOnce) {
  const ModelShape model = load("Llama-3-70B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  for (const Plan& plan : {Plan{}, Plan{.tp = 8}, Plan{.pp = 8}, Plan{.tp = 4, .pp = 3}, Plan{.tp = 2, .pp = 80}}) {
    double sum = 0;
    for (const RankMemory& rank : memory.plan(plan).stages) sum += rank.weight_bytes * plan.tp;
    EXPECT_NEAR(sum / weight_bytes(model), 1, 1e-3) << plan.tp << " x " << plan.pp;
    EXPECT_GE(sum, weight_bytes(model) * (1 - 1e-9));
  }
}

TEST(PlanMemory, EmbeddingIsOnTheFirstStageAndHeadOnTheLast) {
  const ModelShape model = load("Llama-3-70B");
  const PlanMemory memory = plan_memory(model, kA100, kVllm, Plan{.pp = 4}, Workload{});
  const double table = 128256.0 * 8192 * 2;
  EXPECT_NEAR(memory.stages[0].weight_bytes - memory.stages[1].weight_bytes, table, 1);
  EXPECT_NEAR(memory.stages[3].weight_bytes - memory.stages[1].weight_bytes, table, 20'000);  // and the final norm
}

TEST(PlanMemory, TiedEmbeddingsAreHeldOnBothEnds) {
  const ModelShape model = load("Llama-3.2-3B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  EXPECT_NEAR(memory.plan({}).weight_bytes, weight_bytes(model), 1);
  double sum = 0;
  for (const RankMemory& rank : memory.plan({.pp = 2}).stages) sum += rank.weight_bytes;
  EXPECT_NEAR(sum - weight_bytes(model), 128256.0 * 3072 * 2, 1);
}

TEST(PlanMemory, KeyValueWeightsReplicateWithTheirHeads) {
  const ModelShape model = load("Llama-3-70B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  const double kv = 80.0 * 2 * 8192 * 1024 * 2;  // of the model: layers, k and v, [8192, 8 heads of 128] in 16 bits
  EXPECT_NEAR(memory.plan({.tp = 16}).weight_bytes - memory.plan({.tp = 8}).weight_bytes / 2, kv / 8 / 2, 3e6);
}

TEST(PlanMemory, UnevenStagesHoldWhatTheyAreGiven) {
  const ModelShape model = load("Llama-3.1-8B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  const PlanMemory uneven = memory.plan({.pp = 2, .pp_layers = {20, 12}});
  EXPECT_DOUBLE_EQ(uneven.stages[0].kv_bytes_per_token / uneven.stages[1].kv_bytes_per_token, 20.0 / 12);
  EXPECT_EQ(uneven.kv_tokens, uneven.stages[0].kv_tokens);
}

TEST(PlanMemory, CountsCacheInWholeBlocks) {
  const ModelShape model = load("Llama-3.1-8B");
  EngineSpec engine = kVllm;
  engine.block_size = 64;
  const PlanMemory memory = plan_memory(model, kA100, engine, Plan{}, Workload{.isl = 1000, .osl = 100});
  const RankMemory& rank = memory.stages[0];
  EXPECT_EQ(std::fmod(memory.kv_tokens, 64), 0);
  const double free = rank.available_bytes - rank.weight_bytes - rank.activation_bytes - rank.buffer_bytes;
  EXPECT_LE(memory.kv_tokens * 131'072, free);
  EXPECT_GT((memory.kv_tokens + 64) * 131'072, free);
  // A sequence holds 1000 + 100 / 2 tokens on average, in 17 blocks.
  EXPECT_EQ(memory.max_sequences, std::floor(memory.kv_tokens / (17 * 64)));
}

// vLLM 0.6 logged 1.2 GiB for the peak of activations of an 8B at 8192 tokens a step.
TEST(PlanMemory, ActivationsAreAsLargeAsMeasured) {
  const PlanMemory memory = plan_memory(load("Llama-3.1-8B"), kA100, kVllm, Plan{}, Workload{});
  EXPECT_NEAR(memory.stages[0].activation_bytes / (1024.0 * 1024 * 1024), 1.0, 0.3);
}

TEST(PlanMemory, SequenceParallelismSavesActivations) {
  const ModelShape model = load("Llama-3-70B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  const double without = memory.plan({.tp = 8}).stages[0].activation_bytes;
  const double with = memory.plan({.tp = 8, .sp = true}).stages[0].activation_bytes;
  EXPECT_NEAR(without - with, 2 * 8192.0 * 8192 * 2 * 7 / 8, 1);
}

TEST(PlanMemory, TheShareOfWhatIsFreeIsTensorRtLlms) {
  EngineSpec engine = kVllm;
  engine.utilization_of_free = true;
  const RankMemory rank = plan_memory(load("Llama-3.1-8B"), kA100, engine, Plan{}, Workload{}).stages[0];
  const double used = rank.weight_bytes + rank.activation_bytes + rank.buffer_bytes;
  EXPECT_NEAR(rank.available_bytes - used, 0.9 * (80e9 - used), 1);
  EXPECT_FALSE(plan_memory(load("Llama-3-70B"), kA100, engine, Plan{}, Workload{}).fits);
}

TEST(PlanMemory, ExpertsAreSpreadOverTheirRanks) {
  const ModelShape model = load("Qwen3-235B-A22B");
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  const double experts = 94.0 * 128 * 3 * 4096 * 1536 * 2;
  const double rest = weight_bytes(model) - experts;
  // TP alone cuts each expert; EP over the same ranks gives each whole ones: the same bytes.
  EXPECT_NEAR(memory.plan({.tp = 8}).weight_bytes, memory.plan({.tp = 8, .ep = 8}).weight_bytes, 1);
  // Attention data parallelism: 8 ranks hold all attention, and an eighth of the experts.
  EXPECT_NEAR(memory.plan({.dp = 8, .ep = 8}).weight_bytes, rest + experts / 8, 1);
  // 16 ranks as 8 groups of experts, each expert cut in two.
  EXPECT_EQ(expert_tp({.dp = 16, .ep = 8}), 2);
  EXPECT_NEAR(memory.plan({.dp = 16, .ep = 8}).weight_bytes, rest + experts / 16, 1);
  // Replicas without EP share nothing.
  EXPECT_NEAR(memory.plan({.dp = 8}).weight_bytes, weight_bytes(model), 1);
  EXPECT_THAT(memory.plan({.tp = 2, .ep = 3}).why, HasSubstr("ep 3"));
}

// FIELD: MLA caches are not TP-sharded.
TEST(KvBytes, OfALatentCacheAreOnEveryRank) {
  const ModelShape model = load("DeepSeek-V3");
  EXPECT_EQ(kv_bytes_per_token(model), 61.0 * (512 + 64) * 2);
  const MemoryModel memory(model, kA100, kVllm, Workload{});
  EXPECT_EQ(memory.plan({.tp = 8}).stages[0].kv_bytes_per_token, 61.0 * 576 * 2);
  EXPECT_EQ(kv_bytes_per_token(load("DeepSeek-V3.2")), 61.0 * (576 * 2 + 132));  // and the indexer's key
}

TEST(KvBytes, OfAWindowAreBounded) {
  const ModelShape model = load("gpt-oss-20b");
  const double one = 24.0 * 2 * 8 * 64 * 2;
  const Workload brief{.isl = 100, .osl = 28};
  EXPECT_EQ(plan_memory(model, kA100, kVllm, Plan{}, brief).stages[0].kv_bytes_per_token, one);
  const Workload lengthy{.isl = 12'000, .osl = 800};  // windows of 128 hold a hundredth
  EXPECT_NEAR(plan_memory(model, kA100, kVllm, Plan{}, lengthy).stages[0].kv_bytes_per_token, one * (0.5 + 0.005), 1);
}

TEST(KvBytes, HalveWithAnFp8Cache) {
  ModelShape model = load("Llama-3-70B");
  model.kv_bits = 8;
  EXPECT_EQ(kv_bytes_per_token(model), 327'680 / 2);
}

TEST(PlanMemory, LinearAttentionHoldsAStatePerSequence) {
  const ModelShape model = load("Qwen3-Next-80B-A3B");
  const MemoryModel memory(model, kA100, kVllm, Workload{.concurrency = 10});
  const RankMemory two = memory.plan({.tp = 2}).stages[0];
  const double recurrent = 36.0 * 32 * 128 * 128 * 4;  // layers, heads, key by value, f32
  EXPECT_NEAR(two.state_bytes_per_seq, recurrent / 2, 0.05 * recurrent);
  EXPECT_EQ(two.kv_bytes_per_token, 12.0 * 512 * 2);  // every fourth layer, one of two heads
}

TEST(PlanMemory, OddCutsAreAsUnevenAsKerfsSlices) {
  const ModelShape model = load("Llama-3.1-8B");
  EngineSpec kerf{.name = "kerf"};
  kerf.any_tp = true;
  const MemoryModel memory(model, kA100, kerf, Workload{});
  const RankMemory three = memory.plan({.tp = 3}).stages[0];
  // 6 of 16 slices, so 12 of 32 heads, which read 3 of 8 key-value heads.
  EXPECT_EQ(three.kv_bytes_per_token, 131'072.0 * 3 / 8);
  EXPECT_GT(three.weight_bytes, weight_bytes(model) / 3);
  EXPECT_LT(three.weight_bytes, weight_bytes(model) * 0.4);
}

TEST(PlanMemory, ImpossibleLayoutsDoNotFitAndSayWhy) {
  const MemoryModel memory(load("Llama-3.1-8B"), kA100, kVllm, Workload{});
  EXPECT_THAT(memory.plan({.pp = 33}).why, HasSubstr("32 layers"));
  EXPECT_THAT(memory.plan({.tp = 0}).why, HasSubstr("at least 1"));
  EXPECT_THAT(memory.plan({.pp = 2, .pp_layers = {20, 13}}).why, HasSubstr("add up to 32"));
  EXPECT_FALSE(memory.plan({.pp = 33}).fits);
}

TEST(Stages, AreEvenUnlessStated) {
  const ModelShape model = load("Llama-3.1-405B");
  EXPECT_THAT(stage_layer_counts(model, Plan{.pp = 4}), ElementsAre(32, 32, 31, 31));
  EXPECT_THAT(stage_layer_counts(model, Plan{.pp = 2, .pp_layers = {64, 62}}), ElementsAre(64, 62));
}

// sglang#9798: 94 layers on 8 stages became 7 x 11 + 17.
TEST(Stages, BalanceWithoutALongLastOne) {
  const std::vector<int64_t> counts = balanced_layer_counts(load("Qwen3-235B-A22B"), 8);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 94);
  EXPECT_THAT(counts, Each(AllOf(Ge(10), Le(12))));
  EXPECT_EQ(counts.back(), 10);  // a token meets 2.7 layers' worth of weights in the head
}

TEST(Stages, WithTheHeadGetFewerLayers) {
  // The head of a 3B weighs as much as four of its layers.
  EXPECT_THAT(balanced_layer_counts(load("Llama-3.2-3B"), 4), ElementsAre(8, 8, 8, 4));
  EXPECT_THAT(balanced_layer_counts(load("Llama-3.1-405B"), 4), ElementsAre(31, 32, 32, 31));
  EXPECT_THAT(balanced_layer_counts(load("Llama-3.1-405B"), 2), ElementsAre(63, 63));
  EXPECT_THAT(balanced_layer_counts(load("Llama-3.1-8B"), 32), Each(1));
}

TEST(Stages, CoverEveryLayerOnce) {
  const ModelShape model = load("DeepSeek-V3");
  for (int pp = 1; pp <= 61; ++pp) {
    const std::vector<int64_t> counts = balanced_layer_counts(model, pp);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 61) << pp;
    EXPECT_THAT(counts, Each(Ge(1))) << pp;
  }
}

}  // namespace
}  // namespace kerf
