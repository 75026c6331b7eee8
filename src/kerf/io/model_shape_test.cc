#include "kerf/io/model_shape.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/support/conformance.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ModelShape load(const std::string& name) {
  Result<ModelShape> shape = load_model_shape(name);
  EXPECT_TRUE(shape.ok()) << (shape.ok() ? "" : shape.error().message);
  return shape.ok() ? *shape : ModelShape{};
}

struct Total {
  const char* name;
  double billions;  // as published, or as the model card's safetensors say
  double within;    // half a unit of the last digit published
};

void PrintTo(const Total& total, std::ostream* out) { *out << total.name; }

class PublishedTotal : public ::testing::TestWithParam<Total> {};

TEST_P(PublishedTotal, IsCounted) {
  const ModelShape shape = load(GetParam().name);
  EXPECT_NEAR(static_cast<double>(shape.params()) / 1e9, GetParam().billions, GetParam().within);
}

INSTANTIATE_TEST_SUITE_P(
    Dense, PublishedTotal,
    ::testing::Values(
        Total{"Llama-2-7B", 6.738, 0.0005}, Total{"Llama-2-13B", 13.016, 0.0005}, Total{"Llama-2-70B", 68.977, 0.0005},
        Total{"Llama-3.1-8B", 8.030, 0.0005}, Total{"Llama-3-70B", 70.554, 0.0005},
        Total{"Llama-3.1-405B", 405.85, 0.005}, Total{"Llama-3.2-1B", 1.236, 0.0005},
        Total{"Llama-3.2-3B", 3.213, 0.0005}, Total{"Llama-13B", 13.016, 0.0005}, Total{"Llama-65B", 65.286, 0.0005},
        Total{"CodeLlama-34B", 33.744, 0.0005}, Total{"TinyLlama-1.1B", 1.100, 0.0005}, Total{"Yi-34B", 34.389, 0.0005},
        Total{"Qwen2.5-0.5B", 0.494, 0.0005}, Total{"Qwen2.5-7B", 7.616, 0.0005}, Total{"Qwen2.5-14B", 14.770, 0.0005},
        Total{"Qwen2.5-32B", 32.764, 0.0005}, Total{"Qwen2.5-72B", 72.706, 0.0005}, Total{"Qwen3-0.6B", 0.596, 0.0005},
        Total{"Qwen3-1.7B", 1.721, 0.0005}, Total{"Qwen3-4B", 4.022, 0.0005}, Total{"Qwen3-8B", 8.191, 0.0005},
        Total{"Qwen3-14B", 14.768, 0.0005}, Total{"Qwen3-32B", 32.762, 0.0005}, Total{"Mistral-7B", 7.242, 0.0005},
        Total{"Mistral-Nemo", 12.248, 0.0005}, Total{"Mistral-Small-24B", 23.572, 0.0005},
        Total{"Mistral-Large-123B", 122.610, 0.0005}, Total{"Gemma-2B", 2.506, 0.0005},
        Total{"Gemma-7B", 8.538, 0.0005}, Total{"Gemma-2-9B", 9.242, 0.0005}, Total{"Gemma-2-27B", 27.227, 0.0005},
        Total{"Gemma-3-1B", 1.000, 0.0005}, Total{"Gemma-3-27B", 27.009, 0.0005}, Total{"Phi-3-mini", 3.821, 0.0005},
        Total{"Phi-3-medium", 13.960, 0.0005}, Total{"Phi-4", 14.660, 0.0005}, Total{"Falcon-7B", 7.217, 0.0005},
        Total{"Falcon-40B", 41.84, 0.005}, Total{"Falcon-180B", 179.52, 0.005}, Total{"GPT-2", 0.124, 0.0005},
        Total{"GPT-3-175B", 174.6, 0.05}, Total{"Megatron-530B", 530, 0.5}, Total{"OPT-13B", 12.85, 0.01},
        Total{"OPT-66B", 65.7, 0.05}),
    [](const auto& total) {
      std::string name = total.param.name;
      std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
      return name;
    });

// Prediction layers and towers left out: they are counted apart.
INSTANTIATE_TEST_SUITE_P(
    Mixture, PublishedTotal,
    ::testing::Values(Total{"Mixtral-8x7B", 46.70, 0.005}, Total{"Mixtral-8x22B", 140.62, 0.005},
                      Total{"Qwen1.5-MoE-A2.7B", 14.316, 0.0005}, Total{"Qwen2-57B-A14B", 57.41, 0.005},
                      Total{"Qwen3-30B-A3B", 30.532, 0.0005}, Total{"Qwen3-235B-A22B", 235.09, 0.005},
                      Total{"Qwen3-Coder-480B-A35B", 480.15, 0.005}, Total{"Qwen3-Next-80B-A3B", 80, 0.5},
                      Total{"DeepSeek-V2-Lite", 15.7, 0.05}, Total{"DeepSeek-V2", 235.7, 0.05},
                      Total{"DeepSeek-V3", 671.03, 0.005}, Total{"DeepSeek-R1", 671.03, 0.005},
                      Total{"Kimi-K2", 1026, 0.5}, Total{"GLM-5", 744, 0.5}, Total{"MiniMax-M2", 228.7, 0.05},
                      Total{"gpt-oss-20b", 20.91, 0.005}, Total{"gpt-oss-120b", 116.83, 0.005},
                      Total{"Llama-4-Scout", 107.77, 0.005}, Total{"Llama-4-Maverick", 400.7, 0.05}),
    [](const auto& total) {
      std::string name = total.param.name;
      std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
      return name;
    });

// "A3B", "5.1 B active": what one token meets, embedding and head apart.
TEST(ModelShape, CountsWhatATokenMeets) {
  const auto active = [](const std::string& name) {
    const ModelShape shape = load(name);
    return static_cast<double>(shape.active_params() - shape.embedding_params) / 1e9;
  };
  EXPECT_NEAR(active("Mixtral-8x7B"), 12.75, 0.05);
  EXPECT_NEAR(active("DeepSeek-V3"), 36.6, 0.05);
  EXPECT_NEAR(active("gpt-oss-120b"), 5.13, 0.01);
  EXPECT_EQ(load("Llama-3-8B").active_params(), load("Llama-3-8B").params());
}

TEST(ModelShape, CountsPredictionLayersApart) {
  const ModelShape shape = load("DeepSeek-V3");
  EXPECT_NEAR(static_cast<double>(shape.mtp_params) / 1e9, 11.6, 0.05);
  EXPECT_THAT(shape.note, HasSubstr("multi-token prediction"));
}

TEST(ModelShape, TellsLayersApart) {
  const ModelShape deepseek = load("DeepSeek-V3");
  EXPECT_EQ(deepseek.layer(2).mlp.experts, 0);
  EXPECT_EQ(deepseek.layer(3).mlp.experts, 256);
  EXPECT_EQ(deepseek.layer(0).attention.kind, AttentionKind::kLatent);
  const ModelShape maverick = load("Llama-4-Maverick");
  EXPECT_EQ(maverick.layer(0).mlp.experts, 0);
  EXPECT_EQ(maverick.layer(1).mlp.experts, 128);
  EXPECT_EQ(maverick.layer(0).attention.window, 8192);
  EXPECT_EQ(maverick.layer(3).attention.window, 0);
  const ModelShape next = load("Qwen3-Next-80B-A3B");
  EXPECT_EQ(next.layer(0).attention.kind, AttentionKind::kLinear);
  EXPECT_EQ(next.layer(3).attention.kind, AttentionKind::kGrouped);
  EXPECT_GT(next.layer(0).attention.state_elements, 32 * 128 * 128);
}

TEST(ModelNames, AreFoundHoweverTheyAreSpelled) {
  for (const char* name : {"Llama-3.1-70B", "llama 3.1 70b", "meta-llama/Llama-3.1-70B", "Meta-Llama-3.1-70B-Instruct",
                           "meta-llama/Meta-Llama-3.1-70B-Instruct"}) {
    EXPECT_EQ(load(name).name, "Llama-3.1-70B") << name;
  }
  EXPECT_EQ(load("llama2-7b").name, "Llama-2-7B");
  EXPECT_EQ(load("meta-llama/Llama-2-7b-chat-hf").name, "Llama-2-7B");
  EXPECT_EQ(load("GPT-20B(L44,h6144)").name, "GPT-20B");
  EXPECT_EQ(load("Megatron-530B(L105,h20480,128hd)").name, "Megatron-530B");
  EXPECT_EQ(load("facebook/opt-66b").name, "OPT-66B");
}

TEST(ModelNames, CarryTheirStorageFormat) {
  const ModelShape fp8 = load("nvidia/Llama-3.1-8B-Instruct-FP8");
  EXPECT_EQ(fp8.name, "Llama-3.1-8B");
  EXPECT_EQ(fp8.mlp_format.name, "fp8");
  EXPECT_EQ(fp8.head_format.name, "bf16");
  EXPECT_EQ(load("Qwen/Qwen2.5-72B-Instruct-AWQ").attention_format.name, "awq");
  EXPECT_EQ(load("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4").attention_format.name, "gptq");
  EXPECT_DOUBLE_EQ(load("Qwen2.5-72B-Instruct-GPTQ-Int8").mlp_format.bits_per_weight(), 8 + 24.0 / 128);
  EXPECT_EQ(load("hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4").mlp_format.name, "awq");
  EXPECT_DOUBLE_EQ(load("unsloth/Llama-3.3-70B-Instruct-bnb-4bit").mlp_format.bits_per_weight(), 4.5);
  EXPECT_EQ(load("RedHatAI/Meta-Llama-3.1-70B-Instruct-quantized.w4a16").attention_format.name, "int4");
  EXPECT_EQ(load("Qwen/Qwen3-30B-A3B-Instruct-2507-FP8").expert_format.block, 128);  // Qwen's own are in blocks
  EXPECT_EQ(load("deepseek-ai/DeepSeek-R1-0528").expert_format.block, 128);          // as released
  EXPECT_EQ(load("nvidia/DeepSeek-R1-NVFP4").expert_format.name, "nvfp4");
  EXPECT_EQ(load("nvidia/DeepSeek-R1-NVFP4").attention_format.name, "bf16");
  EXPECT_EQ(load("openai/gpt-oss-120b").expert_format.name, "mxfp4");
  EXPECT_EQ(load("openai/gpt-oss-120b").attention_format.name, "bf16");
}

TEST(ModelNames, UnknownOnesGetTheNearest) {
  const Result<ModelShape> shape = load_model_shape("Lama-3.1-70B");
  ASSERT_FALSE(shape.ok());
  EXPECT_THAT(shape.error().message, AllOf(HasSubstr("'Lama-3.1-70B'"), HasSubstr("Llama-3.1-70B")));
}

TEST(ModelNames, EveryEntryOfTheCatalogueIsRead) {
  const Result<std::vector<std::string>> names = model_names();
  ASSERT_TRUE(names.ok());
  EXPECT_GE(names->size(), 40U);
  for (const std::string& name : *names) {
    const ModelShape shape = load(name);
    EXPECT_EQ(shape.name, name);
    EXPECT_GT(shape.params(), 100'000'000) << name;
  }
}

TEST(ModelShape, UnknownArchitecturesAreRefusedByName) {
  const Result<ModelShape> shape = parse_model_shape(R"({"model_type": "rwkv", "hidden_size": 64})", "config.json");
  ASSERT_FALSE(shape.ok());
  EXPECT_THAT(shape.error().message, AllOf(StartsWith("config.json: "), HasSubstr("'rwkv'"), HasSubstr("llama")));
}

// A fuzzer's find: fewer value heads than key heads.
TEST(ModelShape, HeadsComeInGroups) {
  const Result<ModelShape> shape = parse_model_shape(
      R"({"model_type": "qwen3_next", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4,
          "num_attention_heads": 4, "vocab_size": 100, "linear_num_key_heads": 4, "linear_num_value_heads": 2,
          "linear_key_head_dim": 8, "linear_value_head_dim": 8})",
      "config.json");
  ASSERT_FALSE(shape.ok());
  EXPECT_THAT(shape.error().message, HasSubstr("2 heads over 4 key-value heads"));
}

TEST(ModelShape, WindowsAlternateInGemma2) {
  const ModelShape shape = load("Gemma-2-9B");
  EXPECT_EQ(shape.layer(0).attention.window, 4096);
  EXPECT_EQ(shape.layer(1).attention.window, 0);
  EXPECT_EQ(shape.kinds.size(), 2U);
}

// Engines are told a repository only where the name says which: another tuning is another repository.
TEST(ModelByName, KnowsItsRepository) {
  EXPECT_EQ(load_model_shape("llama-3.3-70b").value().repository, "meta-llama/Llama-3.3-70B-Instruct");
  EXPECT_EQ(load_model_shape("Llama-3.3-70B-AWQ").value().repository, "");
  EXPECT_EQ(load_model_shape("somebody/Llama-3.3-70B").value().repository, "");
}

}  // namespace
}  // namespace kerf
