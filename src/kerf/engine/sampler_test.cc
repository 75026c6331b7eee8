#include "kerf/engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>

#include "kerf/base/counter_rng.h"
#include "kerf/engine/softmax.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Row = std::vector<float>;

SampledToken sample(const Row& row, const SamplingParams& params, int64_t position = 0,
                    const std::vector<int32_t>& prompt = {}, const std::vector<int32_t>& output = {}) {
  Sampler sampler;
  return sampler.sample({row, params, prompt, output, position, 1}).value();
}

Row log_of(const std::vector<double>& probabilities) {
  Row row;
  for (const double p : probabilities) row.push_back(static_cast<float>(std::log(p)));
  return row;
}

Row random_row(size_t vocab, uint64_t seed, float spread = 3) {
  std::mt19937_64 rng(seed);
  Row row(vocab);
  for (float& x : row) x = spread * (static_cast<float>(rng() % 20001) / 10000 - 1);
  return row;
}

// How often each token comes at positions 0 to draws - 1.
std::vector<int> histogram(const Row& row, const SamplingParams& params, int draws) {
  Sampler sampler;
  std::vector<int> counts(row.size());
  for (int64_t position = 0; position < draws; ++position) {
    ++counts[static_cast<size_t>(sampler.sample({row, params, {}, {}, position, 1}).value().token)];
  }
  return counts;
}

// Pearson's statistic; tokens of probability 0 must not come.
double chi_square(const std::vector<int>& counts, const std::vector<double>& probabilities, int draws) {
  double total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = probabilities[i] * draws;
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i;
    } else {
      total += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
  }
  return total;
}

TEST(Sampler, GreedyTakesTheLargestLogitAndTheLowestIdOfEquals) {
  const SamplingParams greedy{.temperature = 0};
  EXPECT_EQ(sample({1, 3, 2, 3}, greedy).token, 1);
  EXPECT_EQ(sample({-7, -7, -7}, greedy).token, 0);
  EXPECT_EQ(sample({-0.0F, 0.0F}, greedy).token, 0);
  EXPECT_EQ(sample({5}, greedy).token, 0);
  Row long_row(200, -1);
  for (const int32_t id : {199, 130, 127, 64, 63}) {
    long_row[static_cast<size_t>(id)] = 2;
    EXPECT_EQ(sample(long_row, greedy).token, id);
  }
}

TEST(Sampler, RepetitionPenaltyShrinksPositiveAndDeepensNegativeLogitsOfPromptAndOutput) {
  const SamplingParams params{.temperature = 0, .repetition_penalty = 2};
  EXPECT_EQ(sample({4, 3}, params).token, 0);
  EXPECT_EQ(sample({4, 3}, params, 1, {0}).token, 1) << "prompt: 4 / 2 < 3";
  EXPECT_EQ(sample({4, 3}, params, 2, {}, {0, 0}).token, 1) << "output";
  EXPECT_EQ(sample({4, 2}, params, 2, {0}, {0}).token, 0) << "once, however often it occurs: 4 / 2, not 4 / 4";
  EXPECT_EQ(sample({-4, -7}, params, 1, {0}).token, 1) << "-4 * 2 < -7";
}

TEST(Sampler, FrequencyAndPresencePenaltiesCountTheOutputOnly) {
  const SamplingParams frequency{.temperature = 0, .frequency_penalty = 1};
  EXPECT_EQ(sample({4, 2.5}, frequency, 1, {}, {0}).token, 0);
  EXPECT_EQ(sample({4, 2.5}, frequency, 2, {}, {0, 0}).token, 1);
  EXPECT_EQ(sample({4, 2.5}, frequency, 2, {0, 0}, {}).token, 0);
  const SamplingParams presence{.temperature = 0, .presence_penalty = 2};
  EXPECT_EQ(sample({4, 1.5}, presence, 2, {}, {0, 0}).token, 0);
  EXPECT_EQ(sample({4, 2.5}, presence, 1, {}, {0}).token, 1);
  EXPECT_EQ(sample({4, 2.5}, presence, 1, {0}, {}).token, 0);
  const SamplingParams bonus{.temperature = 0, .presence_penalty = -2};
  EXPECT_EQ(sample({4, 3}, bonus, 1, {}, {1}).token, 1);
}

TEST(Sampler, PenaltiesOfOneCallDoNotLeakIntoTheNext) {
  const SamplingParams params{.temperature = 0, .repetition_penalty = 2};
  const std::vector<int32_t> prompt = {0};
  const Row row = {4, 3};
  Sampler sampler;
  EXPECT_EQ(sampler.sample({row, params, prompt, {}, 1, 1}).value().token, 1);
  EXPECT_EQ(sampler.sample({row, params, {}, {}, 1, 1}).value().token, 0);
}

TEST(Sampler, LogitBiasIsAddedBeforeThePenalties) {
  SamplingParams params{.temperature = 0, .logit_bias = {{1, 2.5F}}};
  EXPECT_EQ(sample({4, 2}, params).token, 1);
  params.repetition_penalty = 2;
  EXPECT_EQ(sample({4, 2}, params, 1, {1}).token, 0) << "(2 + 2.5) / 2 < 4";
  params = {.temperature = 1, .logit_bias = {{0, -100.0F}}};
  EXPECT_EQ(histogram({3, 1, 1}, params, 1000)[0], 0);
  params = {.temperature = 0, .logprobs = 0, .logit_bias = {{1, 100.0F}}};
  EXPECT_NEAR(sample(log_of({0.75, 0.25}), params).logprob, std::log(0.25), 1e-6) << "the model's own";
}

SampledToken sample_under(const Row& row, const SamplingParams& params, const TokenRules& rules, int64_t position = 0) {
  Sampler sampler;
  return sampler.sample({row, params, {}, {}, position, 1, rules}).value();
}

TEST(Sampler, WhatIsRuledOutIsNeverChosenAndTheRestKeepsItsShares) {
  const Row row = log_of({0.5, 0.2, 0.2, 0.1});
  TokenSet allowed(4);
  allowed.add(1);
  allowed.add(3);
  const TokenRules rules{.allowed = &allowed};
  EXPECT_EQ(sample_under(row, {.temperature = 0}, rules).token, 1);
  EXPECT_EQ(sample_under(row, {.temperature = 0, .logit_bias = {{0, 100.0F}, {3, 5.0F}}}, rules).token, 3);
  std::vector<int> counts(4);
  for (int64_t position = 0; position < 30000; ++position)
    ++counts[static_cast<size_t>(sample_under(row, {}, rules, position).token)];
  EXPECT_LT(chi_square(counts, {0, 2.0 / 3, 0, 1.0 / 3}, 30000), 10.8);
  EXPECT_EQ(sample_under(row, {.top_k = 3, .top_p = 0.5}, rules).token, 1) << "top_p is of what is left";
  EXPECT_EQ(sample_under(row, {.temperature = 0}, {.forbidden = std::array{0, 1}}).token, 2);
  EXPECT_EQ(sample_under(row, {.temperature = 0}, {.allowed = &allowed, .also_allowed = std::array{0, 77, -1}}).token,
            0);
}

// As many allowed tokens as the first selection of candidates holds, one fewer, one more.
TEST(Sampler, RulesAndTheSelectionOfCandidatesAgree) {
  const Row row = random_row(2000, 5);
  for (const int32_t count : {1, 2, 127, 128, 129, 1500}) {
    TokenSet allowed(2000);
    Row expected(2000, -1e30F);
    for (int32_t i = 0; i < count; ++i) {
      const int32_t id = (i * 7) % 2000;
      allowed.add(id);
      expected[static_cast<size_t>(id)] = row[static_cast<size_t>(id)];
    }
    for (const SamplingParams& params :
         {SamplingParams{.seed = 3}, {.top_k = 50}, {.top_p = 0.8}, {.min_p = 0.1}, {.temperature = 0.01}}) {
      for (int64_t position = 0; position < 50; ++position) {
        EXPECT_EQ(sample_under(row, params, {.allowed = &allowed}, position).token,
                  sample(expected, params, position).token)
            << count;
      }
    }
  }
}

// Vocabularies end within a word of the set, and a model's may be larger or smaller than its tokenizer's.
TEST(Sampler, EveryShareOfAllowedTokensIsKeptToTheLast) {
  constexpr int32_t kIds = 150;
  for (const int32_t known : {100, 150, 200}) {
    for (const int32_t every : {1, 2, 3, 50}) {  // of so many tokens one is ruled out, or one is allowed
      for (const bool most : {true, false}) {
        TokenSet allowed(static_cast<size_t>(known));
        for (int32_t id = 0; id < known; ++id) {
          if ((id % every == 0) != most) allowed.add(id);
        }
        const std::vector<int32_t> also = {3, 120};
        const std::vector<int32_t> forbidden = {4, 149};
        for (int32_t id = 0; id < kIds; ++id) {
          Row row(kIds, 0);
          row[static_cast<size_t>(id)] = 1;
          const bool may = (allowed.contains(id) || id == 3 || id == 120) && id != 4 && id != 149;
          const int32_t chosen =
              sample_under(row, {.temperature = 0}, {.allowed = &allowed, .also_allowed = also, .forbidden = forbidden})
                  .token;
          EXPECT_EQ(chosen == id, may) << id << " of " << known << ", every " << every << (most ? " not" : "");
        }
      }
    }
  }
}

TEST(Sampler, NothingToChooseFromIsASentence) {
  const TokenSet none(3);
  Sampler sampler;
  const SamplingParams params;
  const Row row = {1, 2, 3};
  const auto result = sampler.sample({row, params, {}, {}, 4, 9, {.allowed = &none}});
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, AllOf(HasSubstr("request 9"), HasSubstr("position 4"), HasSubstr("grammar")));
}

TEST(Sampler, ExtremePenaltiesAndTemperaturesStayDefined) {
  SamplingParams params{.temperature = 5e-324, .repetition_penalty = 1e-300, .frequency_penalty = 2};
  EXPECT_EQ(sample({1, 2}, params, 1, {0}).token, 0) << "1 / 1e-300 is the largest by far";
  params = {.temperature = 1e308};
  std::vector<int> counts = histogram({0, 50}, params, 1000);
  EXPECT_GT(counts[0], 400) << "so hot that all tokens are alike";
  params = {.temperature = 5e-324};
  EXPECT_EQ(sample({1, 2, 2}, params).token == 0, false);
  params = {.temperature = 1};
  EXPECT_EQ(sample({-3e38F, 3e38F}, params).token, 1);
}

TEST(Sampler, LogprobsAreThoseOfTheRawLogits) {
  SamplingParams params{.temperature = 0, .repetition_penalty = 10, .logprobs = 2};
  const Row row = log_of({0.5, 0.1, 0.25, 0.15});
  const SampledToken sampled = sample({row[0] + 9, row[1] + 9, row[2] + 9, row[3] + 9}, params, 1, {0});
  EXPECT_EQ(sampled.token, 2);
  EXPECT_NEAR(sampled.logprob, std::log(0.25), 1e-6);
  ASSERT_EQ(sampled.top.size(), 2U);
  EXPECT_EQ(sampled.top[0].token, 0) << "unpenalised";
  EXPECT_NEAR(sampled.top[0].logprob, std::log(0.5), 1e-6);
  EXPECT_EQ(sampled.top[1].token, 2);

  params.logprobs = 0;
  EXPECT_TRUE(sample(row, params).top.empty());
  EXPECT_NE(sample(row, params).logprob, 0);
  params.logprobs = 20;
  EXPECT_EQ(sample(row, params).top.size(), 4U) << "no more than the vocabulary has";
}

TEST(Sampler, NanAndInfinityAreAnErrorThatNamesRequestAndPosition) {
  Sampler sampler;
  const SamplingParams params;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const Row row = {0, bad, 1};
    const auto result = sampler.sample({row, params, {}, {}, 12, 34});
    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.error().message, AllOf(HasSubstr("request 34"), HasSubstr("position 12"), HasSubstr("NaN")));
  }
}

// Fixed seeds: each statistic is one number. 27.9 is the 99.9 % quantile for 9 degrees of freedom.
TEST(Sampler, TokensComeAsOftenAsTheirProbabilitySays) {
  const std::vector<double> p = {0.02, 0.3, 0.05, 0.2, 0.1, 0.08, 0.01, 0.15, 0.03, 0.06};
  for (const uint64_t seed : {0ULL, 1ULL, 123456789012345ULL}) {
    EXPECT_LT(chi_square(histogram(log_of(p), {.seed = seed}, 20000), p, 20000), 27.9) << seed;
  }
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const std::vector<double> p = {0.5, 0.3, 0.2};
  for (const double temperature : {0.5, 2.0}) {
    std::vector<double> expected = p;
    for (double& x : expected) x = std::pow(x, 1 / temperature);
    const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
    for (double& x : expected) x /= total;
    EXPECT_LT(chi_square(histogram(log_of(p), {.temperature = temperature, .seed = 5}, 20000), expected, 20000), 13.8);
  }
}

// 13.8 and 10.8: the 99.9 % quantiles for 2 and 1 degrees of freedom.
TEST(Sampler, TopKTopPAndMinPKeepTheLikeliestAndRenormalise) {
  const Row row = log_of({0.1, 0.4, 0.05, 0.25, 0.2});
  EXPECT_LT(chi_square(histogram(row, {.top_k = 2}, 20000), {0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}, 20000), 10.8);
  EXPECT_LT(chi_square(histogram(row, {.top_p = 0.6}, 20000), {0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}, 20000), 10.8);
  EXPECT_LT(chi_square(histogram(row, {.top_p = 0.7}, 20000), {0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85}, 20000),
            13.8);
  EXPECT_LT(chi_square(histogram(row, {.min_p = 0.3}, 20000), {0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85}, 20000),
            13.8);
  EXPECT_LT(chi_square(histogram(row, {.top_k = 3, .top_p = 0.7}, 20000), {0, 0.4 / 0.65, 0, 0.25 / 0.65, 0}, 20000),
            10.8)
      << "top_p counts what top_k left: 0.65 / 0.85 > 0.7";
}

TEST(Sampler, BordersOfTheFiltersAreGreedyOrEverything) {
  const Row row = random_row(1000, 3);
  const int32_t best = sample(row, {.temperature = 0}).token;
  for (int64_t position = 0; position < 50; ++position) {
    EXPECT_EQ(sample(row, {.top_k = 1}, position).token, best);
    EXPECT_EQ(sample(row, {.top_p = 1e-12}, position).token, best);
    EXPECT_EQ(sample(row, {.min_p = 1}, position).token, best);
    EXPECT_EQ(sample(row, {.temperature = 1e-9}, position).token, best);
    const int32_t any = sample(row, {}, position).token;
    EXPECT_EQ(sample(row, {.top_k = 1000}, position).token, any);
    EXPECT_EQ(sample(row, {.top_k = -1}, position).token, any);
    EXPECT_EQ(sample(row, {.top_k = 999999}, position).token, any);
  }
  EXPECT_THAT(histogram({2, 2, 2, 2}, {.top_k = 1}, 100), ElementsAre(100, 0, 0, 0)) << "equals: the lowest id";
}

// The definition, written with a full sort.
int32_t reference(const Row& row, const SamplingParams& params, double u) {
  std::vector<int32_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)]; });
  const double max = row[static_cast<size_t>(order[0])];
  std::vector<double> weights;
  double mass = 0;
  for (const int32_t id : order) {
    const double w = std::exp((row[static_cast<size_t>(id)] - max) / params.temperature);
    if (w < params.min_p || (params.top_k > 0 && weights.size() == static_cast<size_t>(params.top_k))) break;
    weights.push_back(w);
    mass += w;
  }
  double kept = 0;
  size_t n = 0;
  while (n < weights.size() && (kept < params.top_p * mass || params.top_p == 1)) kept += weights[n++];
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += weights[i];
    if (sum >= u * kept) return order[i];
  }
  return order[n - 1];
}

TEST(Sampler, AgreesWithAFullSortOnLargeVocabularies) {
  std::mt19937_64 rng(17);
  Sampler sampler;
  for (int round = 0; round < 300; ++round) {
    // Steps of 1e-4 of a small spread give many equals, and distributions from flat to peaked.
    const Row row = random_row(1 + rng() % 30000, rng(), static_cast<float>(rng() % 8));
    SamplingParams params{.temperature = 0.2 + static_cast<double>(rng() % 20) / 10, .seed = rng()};
    if (rng() % 2) params.top_k = static_cast<int>(rng() % 2000);
    if (rng() % 2) params.top_p = 0.05 + static_cast<double>(rng() % 19) / 20;
    if (rng() % 3 == 0) params.min_p = static_cast<double>(rng() % 10) / 20;
    const double u = uniform_at(params.seed, 9);
    ASSERT_EQ(sampler.sample({row, params, {}, {}, 9, 1}).value().token, reference(row, params, u))
        << "round " << round << " top_k " << params.top_k << " top_p " << params.top_p << " min_p " << params.min_p;
  }
}

TEST(Sampler, TopLogprobsAreTheLargestInOrder) {
  std::mt19937_64 rng(23);
  for (int round = 0; round < 50; ++round) {
    const Row row = random_row(20 + rng() % 5000, rng(), 0.01F);
    std::vector<int32_t> order(row.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return row[static_cast<size_t>(a)] > row[static_cast<size_t>(b)]; });
    const SampledToken sampled = sample(row, {.temperature = 0, .logprobs = 20});
    for (size_t i = 0; i < 20; ++i) {
      ASSERT_EQ(sampled.top[i].token, order[i]);
      ASSERT_EQ(sampled.top[i].logprob, log_softmax_at(row, order[i]));
    }
  }
}

TEST(Sampler, ATokenDependsOnSeedAndPositionNotOnEarlierCalls) {
  const Row row = random_row(5000, 1);
  const Row other = random_row(9000, 2);
  const SamplingParams params{.temperature = 1.3, .top_p = 0.95, .seed = 99};
  std::vector<int32_t> alone;
  Sampler one;
  for (int64_t position = 0; position < 40; ++position) {
    alone.push_back(one.sample({row, params, {}, {}, position, 1}).value().token);
  }
  Sampler two;
  const SamplingParams noise{.top_k = 700, .repetition_penalty = 1.5, .seed = 4, .logprobs = 20};
  const std::vector<int32_t> history = {1, 2, 3};
  for (int64_t position = 39; position >= 0; --position) {
    (void)two.sample({other, noise, history, history, position, 2});
    EXPECT_EQ(two.sample({row, params, {}, {}, position, 3}).value().token, alone[static_cast<size_t>(position)]);
  }
  EXPECT_GT(std::set<int32_t>(alone.begin(), alone.end()).size(), 20U) << "positions draw different numbers";
}

}  // namespace
}  // namespace kerf
