#include <gmock/gmock.h>

#include "kerf/io/model_shape.h"
#include "kerf/planner/memory.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelShape load(const std::string& name) {
  Result<ModelShape> shape = load_model_shape(name);
  EXPECT_TRUE(shape.ok()) << (shape.ok() ? "" : shape.error().message);
  return shape.ok() ? *shape : ModelShape{};
}

EngineSpec kerf_engine() {
  EngineSpec engine{.name = "kerf"};
  engine.any_tp = true;
  return engine;
}

const EngineSpec kVllm;

std::string refusal(const ModelShape& model, const EngineSpec& engine, const Plan& plan) {
  const Status status = check_divisibility(model, engine, plan);
  EXPECT_FALSE(status.ok());
  return status.ok() ? "" : status.error().message;
}

void expect_whole(const ModelShape& model, const EngineSpec& engine, const Plan& plan) {
  const Status status = check_divisibility(model, engine, plan);
  EXPECT_TRUE(status.ok()) << model.name << ": " << (status.ok() ? "" : status.error().message);
}

// FIELD 3, mistake 4.
TEST(Groups, AreWholeWhenEachShardHoldsAMultiple) {
  EXPECT_TRUE(keeps_groups_whole(27648, 128, 8));
  EXPECT_FALSE(keeps_groups_whole(27648, 128, 16));
  EXPECT_TRUE(keeps_groups_whole(29568, 128, 1));
  for (int tp = 2; tp <= 8; ++tp) EXPECT_EQ(keeps_groups_whole(29568, 128, tp), tp == 3 || tp == 7) << tp;
  EXPECT_TRUE(keeps_groups_whole(29568, 0, 64));    // one scale per channel
  EXPECT_TRUE(keeps_groups_whole(100, 128, 1));     // a part of a group on one rank
  EXPECT_FALSE(keeps_groups_whole(11008, 128, 3));  // not even whole inputs
}

TEST(Groups, DecideTheTensorParallelSize) {
  EXPECT_THAT(whole_tps(load("Qwen2.5-72B-Instruct-AWQ"), 8), ElementsAre(1));
  EXPECT_THAT(whole_tps(load("Qwen2.5-32B-Instruct-GPTQ"), 16), ElementsAre(1, 2, 4, 8));
  EXPECT_EQ(whole_tps(load("Qwen2.5-72B"), 16).size(), 16U);  // nothing is quantised
}

// vllm#21695.
TEST(Groups, ThatStraddleShardsAreRefused) {
  EXPECT_THAT(refusal(load("Qwen2.5-72B-Instruct-AWQ"), kVllm, {.tp = 2}),
              AllOf(HasSubstr("29568"), HasSubstr("groups of 128"), HasSubstr("is 1")));
  expect_whole(load("Qwen2.5-32B-Instruct-AWQ"), kVllm, {.tp = 8});
  expect_whole(load("Llama-3-70B-AWQ"), kVllm, {.tp = 8});
}

// vLLM: "The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128".
TEST(Blocks, OfFp8AreKeptWhole) {
  const ModelShape model = load("Qwen/Qwen3-235B-A22B-FP8");
  expect_whole(model, kVllm, {.tp = 4});
  EXPECT_THAT(refusal(model, kVllm, {.tp = 8}),
              AllOf(HasSubstr("1536"), HasSubstr("blocks of 128 x 128"), HasSubstr("at most 4"), HasSubstr("ep")));
  expect_whole(model, kVllm, {.tp = 8, .ep = 8});
  expect_whole(load("DeepSeek-R1"), kVllm, {.tp = 16});
  EXPECT_THAT(refusal(load("DeepSeek-R1"), kVllm, {.tp = 32, .ep = 32}), HasSubstr("blocks of 128 x 128"));
}

TEST(Groups, OfMxfp4ArePadded) { expect_whole(load("gpt-oss-120b"), kVllm, {.tp = 8}); }

// FIELD 3, mistakes 3 and 8; vllm#11797.
TEST(Divisibility, NamesTheLargestTpThatWorks) {
  EXPECT_THAT(refusal(load("Qwen2.5-7B"), kVllm, {.tp = 8}),
              AllOf(HasSubstr("28 attention heads"), HasSubstr("vllm"), HasSubstr("is 4")));
  for (const int tp : {3, 5, 6, 7}) EXPECT_THAT(refusal(load("Llama-3-70B"), kVllm, {.tp = tp}), HasSubstr("is"));
  expect_whole(load("Llama-3-70B"), kVllm, {.tp = 16});  // key-value heads replicate
  EXPECT_THAT(refusal(load("Falcon-180B"), kVllm, {.tp = 29}), HasSubstr("8 key-value heads"));
}

TEST(Divisibility, IsNoConcernOfKerfs) {
  for (const int tp : {1, 3, 5, 6, 7, 8, 16}) expect_whole(load("Qwen2.5-7B"), kerf_engine(), {.tp = tp});
  EXPECT_THAT(refusal(load("Qwen2.5-7B"), kerf_engine(), {.tp = 17}),
              AllOf(HasSubstr("16 slices"), HasSubstr("is 16")));
}

TEST(Divisibility, OfLayersAndExperts) {
  const ModelShape model = load("Mixtral-8x7B");
  EXPECT_THAT(refusal(model, kVllm, {.pp = 33}), AllOf(HasSubstr("pp 33"), HasSubstr("32 layers")));
  EXPECT_THAT(refusal(model, kVllm, {.tp = 16, .ep = 16}), HasSubstr("8 experts"));
  EXPECT_THAT(refusal(model, kVllm, {.tp = 4, .ep = 3}), HasSubstr("does not divide"));
  EXPECT_THAT(refusal(load("Llama-3-70B"), kVllm, {.tp = 4, .ep = 4}), HasSubstr("no experts"));
  EXPECT_THAT(refusal(model, kVllm, {.pp = 2, .pp_layers = {30, 1}}), HasSubstr("add up to 32"));
  EngineSpec even = kVllm;
  even.uneven_pp = false;
  EXPECT_THAT(refusal(load("Llama-3.1-405B"), even, {.pp = 4}), HasSubstr("126 layers"));
  expect_whole(load("Llama-3.1-405B"), kVllm, {.pp = 4});
}

}  // namespace
}  // namespace kerf
