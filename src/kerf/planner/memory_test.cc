#include "kerf/planner/memory.h"

#include <gmock/gmock.h>

#include <numeric>

#include "kerf/io/model_shape.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(PlanMemory, SaysWhatIsMissing) {
  const ModelShape model = load("Llama-3-70B");
  const PlanMemory memory = plan_memory(model, kA100, kVllm, Plan{}, Workload{});
  EXPECT_FALSE(memory.fits);
  EXPECT_THAT(memory.why, AllOf(HasSubstr("141.1 GB"), HasSubstr("missing")));
  EXPECT_TRUE(plan_memory(model, kA100, kVllm, Plan{.tp = 4}, Workload{}).fits);
}

TEST(Stages, AreEvenUnlessStated) {
  const ModelShape model = load("Llama-3.1-405B");
  EXPECT_THAT(stage_layer_counts(model, Plan{.pp = 4}), ElementsAre(32, 32, 31, 31));
  EXPECT_THAT(stage_layer_counts(model, Plan{.pp = 2, .pp_layers = {64, 62}}), ElementsAre(64, 62));
}

TEST(Groups, DecideTheTensorParallelSize) {
  EXPECT_TRUE(keeps_groups_whole(27648, 128, 8));
  EXPECT_FALSE(keeps_groups_whole(27648, 128, 16));
  EXPECT_FALSE(keeps_groups_whole(29568, 128, 2));
  EXPECT_THAT(whole_tps(load("Qwen2.5-72B", "awq"), 8), ElementsAre(1));
  EXPECT_THAT(whole_tps(load("Qwen2.5-32B", "awq"), 16), ElementsAre(1, 2, 4, 8));
}

TEST(Divisibility, NamesTheLargestTpThatWorks) {
  const Status status = check_divisibility(load("Qwen2.5-7B"), kVllm, Plan{.tp = 8});
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, AllOf(HasSubstr("28 attention heads"), HasSubstr("is 4")));
}

}  // namespace
}  // namespace kerf
