// Configs and indexes as published, read in place.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "kerf/io/json.h"
#include "kerf/io/model_shape.h"
#include "kerf/planner/memory.h"
#include "tests/support/conformance.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

// metadata.total_size of an index is the sum of its tensors' bytes.
double total_size(const fs::path& index) {
  const Result<nlohmann::json> json = read_json(index);
  EXPECT_TRUE(json.ok());
  return json.ok() ? (*json)["metadata"]["total_size"].get<double>() : 0;
}

TEST(RealModels, WeighWhatTheirIndexSays) {
  KERF_REQUIRE_CONFORMANCE("configs/index");
  // Left out: a tower that kerf doesn't count, and bitsandbytes' scale per output channel (0.06 %).
  const std::map<std::string, double> inexact = {{"Qwen-VL-Chat-Int4", 0.5},
                                                 {"Meta-Llama3.1-8B-Instruct-assessment", 1e-3}};
  int exact = 0;
  for (const auto& entry : fs::directory_iterator(testing::conformance_dir() / "configs/index")) {
    const std::string file = entry.path().filename();
    if (!file.ends_with(".config.json")) continue;
    const std::string name = file.substr(0, file.size() - std::string(".config.json").size());
    const Result<ModelShape> shape = load_model_shape(entry.path().string());
    ASSERT_TRUE(shape.ok()) << shape.error().message;
    const double stored = total_size(entry.path().parent_path() / (name + ".index.json"));
    if (inexact.contains(name)) {
      EXPECT_NEAR(weight_bytes(*shape) / stored, 1, inexact.at(name)) << name;
    } else {
      EXPECT_EQ(weight_bytes(*shape), stored) << name;
      ++exact;
    }
  }
  EXPECT_GE(exact, 11);
}

TEST(RealModels, AreReadOrRefusedWithASentence) {
  KERF_REQUIRE_CONFORMANCE("configs/aiconfigurator");
  int read = 0;
  for (const auto& entry : fs::directory_iterator(testing::conformance_dir() / "configs/aiconfigurator")) {
    const std::string file = entry.path().filename();
    if (!file.ends_with("_config.json") || file.ends_with("hf_quant_config.json")) continue;
    const Result<ModelShape> shape = load_model_shape(entry.path().string());
    if (!shape.ok()) {
      EXPECT_TRUE(shape.error().message.starts_with(entry.path().string())) << shape.error().message;
      continue;
    }
    ++read;
    EXPECT_GT(weight_bytes(*shape), 1e9) << file;
    EXPECT_GT(kv_bytes_per_token(*shape), 0) << file;
  }
  EXPECT_GE(read, 68);  // of 84
}

// Figures of the cards: parameters, and for mixtures what a token meets.
TEST(RealModels, HaveThePublishedTotals) {
  KERF_REQUIRE_CONFORMANCE("configs/aiconfigurator");
  const std::map<std::string, std::pair<double, double>> cards = {
      // billions, within
      {"meta-llama--Meta-Llama-3.1-70B", {70.55, 0.005}},
      {"meta-llama--Meta-Llama-3.1-405B", {405.9, 0.05}},
      {"mistralai--Mixtral-8x7B-v0.1", {46.7, 0.05}},
      {"deepseek-ai--DeepSeek-R1", {671, 0.5}},
      {"moonshotai--Kimi-K2-Instruct", {1026, 0.5}},
      {"Qwen--Qwen3-235B-A22B", {235, 0.5}},
      {"Qwen--Qwen3.5-27B", {27, 0.5}},
      {"Qwen--Qwen3.5-397B-A17B", {397, 1}},
      {"nvidia--Llama-3_3-Nemotron-Super-49B-v1", {49.9, 0.05}},
      {"nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {31.6, 0.05}},
      {"nvidia--NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16", {550, 1}},
      {"XiaomiMiMo--MiMo-V2-Flash", {309, 0.5}},
      {"zai-org--GLM-5", {744, 0.5}},
      {"openai--gpt-oss-120b", {116.83, 0.005}},
  };
  for (const auto& [name, card] : cards) {
    const fs::path path = testing::conformance_dir() / "configs/aiconfigurator" / (name + "_config.json");
    const Result<ModelShape> shape = load_model_shape(path.string());
    ASSERT_TRUE(shape.ok()) << shape.error().message;
    EXPECT_NEAR(static_cast<double>(shape->params()) / 1e9, card.first, card.second) << name;
  }
}

}  // namespace
}  // namespace kerf
