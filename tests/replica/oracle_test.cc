// Every dense, unquantised conformance model against logits and greedy tokens of another engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/support/conformance.h"
#include "tests/support/replica.h"

namespace kerf {
namespace {

using testing::conformance_dir;
using testing::read_file;

struct Oracle {
  std::vector<int32_t> prompt, greedy;
  std::vector<int64_t> positions;
  std::vector<float> logits;  // [positions, vocab]
  double std = 0;
};

Oracle load_oracle(const std::filesystem::path& dir) {
  const auto json = nlohmann::json::parse(read_file(dir / "oracle.json"));
  const std::string raw = read_file(dir / "logits.f32");
  Oracle oracle{.prompt = json["prompt_ids"],
                .greedy = json["greedy_ids"],
                .positions = json["logits_positions"],
                .logits = std::vector<float>(raw.size() / sizeof(float)),
                .std = json["logits_std"]};
  std::memcpy(oracle.logits.data(), raw.data(), raw.size());
  return oracle;
}

struct Difference {
  double max = 0;  // both over the logits' standard deviation
  double rms = 0;
};

Difference compare(const Oracle& oracle, const std::vector<float>& all, size_t vocab) {
  double max = 0;
  double squares = 0;
  for (size_t row = 0; row < oracle.positions.size(); ++row) {
    for (size_t i = 0; i < vocab; ++i) {
      const double d = std::abs(static_cast<double>(all[static_cast<size_t>(oracle.positions[row]) * vocab + i]) -
                                static_cast<double>(oracle.logits[row * vocab + i]));
      max = std::max(max, std::isnan(d) ? INFINITY : d);
      squares += d * d;
    }
  }
  return {.max = max / oracle.std,
          .rms = std::sqrt(squares / static_cast<double>(oracle.positions.size() * vocab)) / oracle.std};
}

class OracleTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Scores the prompt and its greedy continuation, and generates from the prompt.
  void run(DType dtype, Difference& difference, std::vector<int32_t>& greedy) {
    const std::filesystem::path dir = conformance_dir() / "models" / GetParam();
    const Oracle oracle = load_oracle(dir);
    std::vector<int32_t> whole = oracle.prompt;
    whole.insert(whole.end(), oracle.greedy.begin(), oracle.greedy.end());
    const SamplingParams params{
        .temperature = 0, .max_tokens = static_cast<int64_t>(oracle.greedy.size()), .ignore_eos = true};
    const auto run = testing::run_replica(dir, {.dtype = dtype},
                                          {Request{.id = 0, .prompt_ids = whole, .score = true},
                                           Request{.id = 1, .prompt_ids = oracle.prompt, .params = params}});
    const ReplicaResult& scored = run.results.at(0);
    difference = compare(oracle, scored.logits, scored.logits.size() / whole.size());
    greedy = run.results.at(1).ids;
    expected_greedy = oracle.greedy;
  }
  using ReplicaResult = testing::ReplicaResult;
  std::vector<int32_t> expected_greedy;
};

TEST_P(OracleTest, Float32HasTheReferencesLogitsAndGreedyTokens) {
  KERF_REQUIRE_CONFORMANCE(std::filesystem::path("models") / GetParam());
  Difference difference;
  std::vector<int32_t> greedy;
  run(DType::kF32, difference, greedy);
  EXPECT_LE(difference.max, 1e-4);
  EXPECT_EQ(greedy, expected_greedy);
}

TEST_P(OracleTest, Bfloat16StaysClose) {
  KERF_REQUIRE_CONFORMANCE(std::filesystem::path("models") / GetParam());
  Difference difference;
  std::vector<int32_t> greedy;
  run(DType::kBF16, difference, greedy);
  EXPECT_LE(difference.rms, 0.05);
}

TEST_P(OracleTest, Float16StaysClose) {
  KERF_REQUIRE_CONFORMANCE(std::filesystem::path("models") / GetParam());
  Difference difference;
  std::vector<int32_t> greedy;
  run(DType::kF16, difference, greedy);
  EXPECT_LE(difference.rms, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Models, OracleTest,
                         ::testing::Values("llama-gqa", "llama-gqa-bf16", "llama-odd", "llama-tied", "llama3-rope",
                                           "mistral", "mistral-swa", "phi3", "qwen2", "qwen3", "qwen3-yarn", "gemma2",
                                           "gemma3", "stories260K"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace kerf
