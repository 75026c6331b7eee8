#include "kerf/engine/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Request, DefaultAndBorderParametersAreValid) {
  EXPECT_TRUE(SamplingParams{}.validate().ok());
  SamplingParams border{.temperature = 0,
                        .top_k = -1,
                        .top_p = 1e-9,
                        .min_p = 1,
                        .repetition_penalty = 0.1,
                        .frequency_penalty = -2,
                        .presence_penalty = 2,
                        .logprobs = kMaxLogprobs,
                        .max_tokens = 1};
  EXPECT_TRUE(border.validate().ok());
}

TEST(Request, EachBadParameterIsRefusedByASentenceWithItsFlagAndValue) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  struct Case {
    std::string flag, value;
    std::function<void(SamplingParams&)> spoil;
  };
  const Case cases[] = {
      {"--logit-bias", "token -1",
       [](auto& p) {
         p.logit_bias = {{-1, 0.0F}};
       }},
      {"--logit-bias", "token 7 is 101",
       [](auto& p) {
         p.logit_bias = {{7, 101.0F}};
       }},
      {"--logit-bias", "token 7 is nan",
       [&](auto& p) {
         p.logit_bias = {{7, static_cast<float>(nan)}};
       }},
      {"--logit-bias", "token 7 twice",
       [](auto& p) {
         p.logit_bias = {{7, 1.0F}, {7, 2.0F}};
       }},
      {"--logit-bias", "1025", [](auto& p) { p.logit_bias.resize(1025); }},
      {"--min-tokens", "-1", [](auto& p) { p.min_tokens = -1; }},
      {"grammar", "300000", [](auto& p) { p.grammar.resize(300'000); }},
      {"--temperature", "-0.5", [](auto& p) { p.temperature = -0.5; }},
      {"--temperature", "nan", [&](auto& p) { p.temperature = nan; }},
      {"--temperature", "inf", [&](auto& p) { p.temperature = inf; }},
      {"--top-k", "-2", [](auto& p) { p.top_k = -2; }},
      {"--top-p", "0", [](auto& p) { p.top_p = 0; }},
      {"--top-p", "1.5", [](auto& p) { p.top_p = 1.5; }},
      {"--top-p", "nan", [&](auto& p) { p.top_p = nan; }},
      {"--min-p", "-0.1", [](auto& p) { p.min_p = -0.1; }},
      {"--min-p", "nan", [&](auto& p) { p.min_p = nan; }},
      {"--repetition-penalty", "0", [](auto& p) { p.repetition_penalty = 0; }},
      {"--repetition-penalty", "nan", [&](auto& p) { p.repetition_penalty = nan; }},
      {"--frequency-penalty", "2.5", [](auto& p) { p.frequency_penalty = 2.5; }},
      {"--frequency-penalty", "nan", [&](auto& p) { p.frequency_penalty = nan; }},
      {"--presence-penalty", "-3", [](auto& p) { p.presence_penalty = -3; }},
      {"--presence-penalty", "nan", [&](auto& p) { p.presence_penalty = nan; }},
      {"--logprobs", "21", [](auto& p) { p.logprobs = 21; }},
      {"--max-tokens", "0", [](auto& p) { p.max_tokens = 0; }},
      {"--stop", "empty",
       [](auto& p) {
         p.stop = {"a", ""};
       }},
  };
  for (const Case& c : cases) {
    SamplingParams params;
    c.spoil(params);
    const Status status = params.validate();
    ASSERT_FALSE(status.ok()) << c.flag << " " << c.value;
    EXPECT_THAT(status.error().message, AllOf(HasSubstr(c.flag), HasSubstr(c.value), HasSubstr(": give")));
  }
}

TEST(Request, FinishReasonsAreNamedAsInOpenAisApi) {
  EXPECT_EQ(name_of(FinishReason::kStop), "stop");
  EXPECT_EQ(name_of(FinishReason::kLength), "length");
}

}  // namespace
}  // namespace kerf
