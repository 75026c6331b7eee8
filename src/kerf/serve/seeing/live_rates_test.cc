#include "kerf/serve/seeing/live_rates.h"

#include <gtest/gtest.h>

#include <numeric>

namespace kerf {
namespace {

TEST(LiveRates, RatesAreOfTheLastWholeSeconds) {
  LiveRates rates;
  for (int second = 100; second < 110; ++second) {
    for (int i = 0; i < 10; ++i) rates.on_tokens(3, 4, second + 0.05 * i);
    rates.on_finished(0.02, second + 0.9);
  }
  rates.on_tokens(0, 1000, 110.1);  // its second is not over
  const LiveRates::View view = rates.view(110.5);
  EXPECT_NEAR(view.tokens_per_s, 40, 1e-9);
  EXPECT_NEAR(view.prompt_tokens_per_s, 30, 1e-9);
  EXPECT_NEAR(view.requests_per_s, 1, 1e-9);
}

TEST(LiveRates, AMinuteIsRememberedAndNotMore) {
  LiveRates rates;
  for (int second = 10; second < 200; ++second) rates.on_tokens(0, second, second);
  const LiveRates::View view = rates.view(200);
  ASSERT_EQ(view.tokens_by_second.size(), 60U);
  EXPECT_EQ(view.tokens_by_second.front(), 140);
  EXPECT_EQ(view.tokens_by_second.back(), 199);
  const LiveRates::View later = rates.view(230);
  EXPECT_EQ(std::accumulate(later.tokens_by_second.begin(), later.tokens_by_second.end(), int64_t{0}),
            (170 + 199) * 30 / 2);
  EXPECT_EQ(rates.view(10000).tokens_per_s, 0);
}

TEST(LiveRates, QuantilesAreOfTheLastMinute) {
  LiveRates rates;
  for (int i = 0; i < 50; ++i) rates.on_first_token(100, 10);
  for (int i = 0; i < 101; ++i) rates.on_first_token(0.001 * i, 100);
  const LiveRates::View view = rates.view(101);
  EXPECT_DOUBLE_EQ(view.ttft_s.p50, 0.05);
  EXPECT_DOUBLE_EQ(view.ttft_s.p95, 0.095);
  EXPECT_EQ(view.tpot_s.p50, 0);
}

TEST(LiveRates, AYoungClockIsFine) {
  LiveRates rates;
  rates.on_tokens(1, 5, 0.5);
  EXPECT_EQ(rates.view(1).tokens_by_second.back(), 5);
}

}  // namespace
}  // namespace kerf
