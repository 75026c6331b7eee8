#include "kerf/io/model_shape/quantization.h"

#include <gmock/gmock.h>

#include "kerf/io/model_shape.h"
#include "kerf/io/model_shape/modules.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A small Llama or Qwen3-MoE with `more` fields.
std::string dense(const std::string& more) {
  return R"({"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4,
             "num_attention_heads": 4, "vocab_size": 1000, )" +
         more + "}";
}

std::string mixture(const std::string& more) {
  return R"({"model_type": "qwen3_moe", "hidden_size": 256, "intermediate_size": 512, "moe_intermediate_size": 128,
             "num_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 4, "num_attention_heads": 4,
             "head_dim": 64, "vocab_size": 1000, )" +
         more + "}";
}

ModelShape parse(const std::string& config, const std::string& modelopt = "") {
  Result<ModelShape> shape = parse_model_shape(config, "config.json", modelopt);
  EXPECT_TRUE(shape.ok()) << (shape.ok() ? "" : shape.error().message);
  return shape.ok() ? *shape : ModelShape{};
}

std::string refusal(const std::string& config) {
  const Result<ModelShape> shape = parse_model_shape(config, "config.json");
  EXPECT_FALSE(shape.ok());
  return shape.ok() ? "" : shape.error().message;
}

TEST(Quantization, NoneKeepsTheModelsType) {
  const ModelShape shape = parse(dense(R"("torch_dtype": "float16")"));
  EXPECT_EQ(shape.mlp_format.name, "f16");
  EXPECT_EQ(shape.head_format.bits_per_weight(), 16);
  EXPECT_EQ(parse(dense(R"("dtype": "float32")")).embedding_format.bits, 32);
}

TEST(Quantization, AwqAndGptqCountScalesAndZeroPoints) {
  const ModelShape awq =
      parse(dense(R"("quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128})"));
  EXPECT_DOUBLE_EQ(awq.mlp_format.bits_per_weight(), 4 + 16.0 / 128 + 4.0 / 128);
  EXPECT_EQ(awq.embedding_format.bits, 16);
  const ModelShape gptq =
      parse(dense(R"("quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 64})"));
  EXPECT_DOUBLE_EQ(gptq.attention_format.bits_per_weight(), 8 + 16.0 / 64 + 8.0 / 64);
  EXPECT_EQ(gptq.attention_format.group, 64);
  const ModelShape channel =
      parse(dense(R"("quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": -1})"));
  EXPECT_EQ(channel.mlp_format.group, 0);
}

TEST(Quantization, Fp8IsPerTensorOrInBlocks) {
  const ModelShape tensor = parse(dense(R"("quantization_config": {"quant_method": "fp8"})"));
  EXPECT_EQ(tensor.mlp_format.block, 0);
  EXPECT_EQ(tensor.mlp_format.bits_per_weight(), 8);
  const ModelShape block =
      parse(dense(R"("quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]})"));
  EXPECT_EQ(block.mlp_format.block, 128);
  EXPECT_DOUBLE_EQ(block.mlp_format.bits_per_weight(), 8 + 32.0 / (128 * 128));
}

TEST(Quantization, WhatIsLeftOutStaysIn16Bits) {
  const ModelShape shape = parse(mixture(R"("quantization_config": {"quant_method": "fp8",
      "modules_to_not_convert": ["lm_head", "model.layers.*.self_attn"]})"));
  EXPECT_EQ(shape.attention_format.name, "bf16");
  EXPECT_EQ(shape.expert_format.name, "fp8");
}

TEST(Quantization, PartsInTwoFormatsHaveTheirMean) {
  const ModelShape shape = parse(dense(R"("quantization_config": {"quant_method": "fp8",
      "modules_to_not_convert": ["model.layers.0.mlp"]})"));
  EXPECT_EQ(shape.mlp_format.name, "fp8");
  EXPECT_DOUBLE_EQ(shape.mlp_format.bits_per_weight(), (16 + 3 * 8) / 4.0);
  EXPECT_EQ(shape.attention_format.bits_per_weight(), 8);
}

TEST(Quantization, ModelOptGoesFirst) {
  const ModelShape shape = parse(mixture(R"("torch_dtype": "bfloat16")"), R"({"quantization": {"quant_algo": "NVFP4",
      "kv_cache_quant_algo": "FP8", "group_size": 16, "exclude_modules": ["lm_head", "model.layers.*.self_attn*"]}})");
  EXPECT_DOUBLE_EQ(shape.expert_format.bits_per_weight(), 4.5);
  EXPECT_EQ(shape.attention_format.name, "bf16");
  EXPECT_EQ(shape.kv_bits, 8);
}

TEST(Quantization, MixedPrecisionNamesEachModule) {
  const ModelShape shape = parse(mixture(R"("torch_dtype": "bfloat16")"), R"({"quantization": {
      "quant_algo": "MIXED_PRECISION", "quantized_layers": {
        "model.layers.0.mlp.experts": {"quant_algo": "NVFP4", "group_size": 16},
        "model.layers.1.mlp.experts": {"quant_algo": "NVFP4", "group_size": 16},
        "model.layers.2.mlp.experts": {"quant_algo": "NVFP4", "group_size": 16},
        "model.layers.3.mlp.experts": {"quant_algo": "FP8"}}}})");
  EXPECT_DOUBLE_EQ(shape.expert_format.bits_per_weight(), (3 * 4.5 + 8) / 4);
  EXPECT_EQ(shape.attention_format.bits, 16);
}

TEST(Quantization, CompressedTensorsStateBitsAndGroups) {
  const ModelShape shape = parse(mixture(R"("quantization_config": {"quant_method": "compressed-tensors",
      "ignore": ["lm_head", "re:.*self_attn.*"], "config_groups": {"group_0": {"targets": ["Linear"],
      "weights": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32, "symmetric": true}}}})"));
  EXPECT_DOUBLE_EQ(shape.expert_format.bits_per_weight(), 4.5);  // a scale, no zero point
  EXPECT_EQ(shape.attention_format.name, "bf16");
}

TEST(Quantization, Mxfp4IsForExperts) {
  const ModelShape shape = parse(mixture(R"("quantization_config": {"quant_method": "mxfp4"})"));
  EXPECT_DOUBLE_EQ(shape.expert_format.bits_per_weight(), 4.25);
  EXPECT_EQ(shape.attention_format.name, "bf16");
}

TEST(Quantization, MlxQuantisesTheHeadToo) {
  const ModelShape shape = parse(dense(R"("quantization": {"bits": 4, "group_size": 64})"));
  EXPECT_DOUBLE_EQ(shape.head_format.bits_per_weight(), 4.5);
  EXPECT_DOUBLE_EQ(shape.mlp_format.bits_per_weight(), 4.5);
}

TEST(Quantization, UnknownMethodsAreRefused) {
  EXPECT_THAT(refusal(dense(R"("quantization_config": {"quant_method": "aqlm"})")),
              AllOf(HasSubstr("config.json"), HasSubstr("'quant_method' is 'aqlm'"), HasSubstr("awq")));
  EXPECT_THAT(refusal(dense(R"("quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 64]})")),
              HasSubstr("weight_block_size"));
}

TEST(ApplyQuantization, KnowsTheNamesOfTheEngines) {
  ModelShape shape = parse(dense(R"("torch_dtype": "float16")"));
  for (const char* name : {"fp8", "awq_marlin", "gptq", "modelopt_fp4", "int8", "mxfp4", "AWQ-g64", "none"}) {
    EXPECT_TRUE(apply_quantization(shape, name).ok()) << name;
  }
  ASSERT_TRUE(apply_quantization(shape, "awq-g64").ok());
  EXPECT_DOUBLE_EQ(shape.mlp_format.bits_per_weight(), 4 + 20.0 / 64);
  ASSERT_TRUE(apply_quantization(shape, "fp16").ok());
  EXPECT_EQ(shape.mlp_format.bits_per_weight(), 16);
  const Status status = apply_quantization(shape, "int3");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, AllOf(HasSubstr("'int3'"), HasSubstr("awq")));
}

TEST(Modules, AreCoveredByNamePrefixGlobOrRegex) {
  EXPECT_TRUE(covers("model.layers.3.mlp", "layers.3.mlp.down_proj"));
  EXPECT_TRUE(covers("model.language_model.layers.3.mlp*", "layers.3.mlp.down_proj"));
  EXPECT_TRUE(covers("*.shared_experts.*", "layers.3.mlp.shared_experts.down_proj"));
  EXPECT_TRUE(covers("re:.*mlp\\.(gate|up|down)_proj.*", "layers.3.mlp.down_proj"));
  EXPECT_FALSE(covers("re:.*mlp\\.(gate|up|down)_proj.*", "layers.3.mlp.experts.0.down_proj"));
  EXPECT_FALSE(covers("model.layers.3.mlp", "layers.30.mlp.down_proj"));
  EXPECT_FALSE(covers("model.layers.3.*", "layers.30.mlp.down_proj"));
  EXPECT_FALSE(covers("mlp.gate", "layers.3.mlp.gate_proj"));
  EXPECT_FALSE(covers("mtp.layers.0*", "layers.0.mlp.down_proj"));  // another model's layer 0
  EXPECT_FALSE(covers("lm_head", "layers.3.mlp.down_proj"));
}

}  // namespace
}  // namespace kerf
