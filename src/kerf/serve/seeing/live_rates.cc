#include "kerf/serve/seeing/live_rates.h"

#include <algorithm>
#include <cmath>

namespace kerf {

namespace {
constexpr int kRateSeconds = 5;
}

LiveRates::Second& LiveRates::second(double now_s) {
  const auto at = static_cast<int64_t>(std::floor(now_s));
  Second& second = seconds_[static_cast<size_t>(at) % seconds_.size()];
  if (second.at != at) second = {.at = at};
  return second;
}

void LiveRates::on_tokens(int64_t prompt, int64_t generated, double now_s) {
  Second& to = second(now_s);
  to.prompt += prompt;
  to.generated += generated;
}

void LiveRates::on_finished(double tpot_s, double now_s) {
  ++second(now_s).requests;
  if (tpot_s > 0) note(tpot_, tpot_s, now_s);
}

void LiveRates::note(std::deque<Sample>& samples, double value_s, double now_s) {
  samples.push_back({now_s, value_s});
  if (samples.size() > kMaxSamples) samples.pop_front();
}

LiveRates::Quantiles LiveRates::quantiles(const std::deque<Sample>& samples, double now_s) {
  std::vector<double> values;
  for (const Sample& sample : samples) {
    if (sample.at_s > now_s - kSeconds) values.push_back(sample.value_s);
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {.p50 = at(0.5), .p95 = at(0.95)};
}

LiveRates::View LiveRates::view(double now_s) const {
  View view{.ttft_s = quantiles(ttft_, now_s), .tpot_s = quantiles(tpot_, now_s)};
  const auto now = static_cast<int64_t>(std::floor(now_s));
  for (int64_t at = now - kSeconds; at < now; ++at) {
    Second found;
    if (at >= 0 && seconds_[static_cast<size_t>(at) % seconds_.size()].at == at) {
      found = seconds_[static_cast<size_t>(at) % seconds_.size()];
    }
    view.tokens_by_second.push_back(found.generated);
    if (at < now - kRateSeconds) continue;
    view.tokens_per_s += static_cast<double>(found.generated) / kRateSeconds;
    view.prompt_tokens_per_s += static_cast<double>(found.prompt) / kRateSeconds;
    view.requests_per_s += static_cast<double>(found.requests) / kRateSeconds;
  }
  return view;
}

}  // namespace kerf
