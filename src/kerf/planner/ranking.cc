// What "better" means for each objective.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "kerf/planner/search.h"

namespace kerf {

namespace {

// Log of a figure, of which less is better.
double log_of(double value) { return std::log(std::max(value, 1e-12)); }

// What a plan has to gain before it is worth something else, all far below any model's error: twice the devices half a
// per cent, twice the latency beside the objective one, and settings that somebody has to understand half a per cent.
constexpr double kPerDevice = 0.005 / 0.693;
constexpr double kPerSecond = 0.01 / 0.693;
constexpr double kPerSetting = 0.005;

}  // namespace

double objective_value(Objective objective, const Candidate& candidate) {
  switch (objective) {
    case Objective::kLatency: return candidate.tpot_ms;
    case Objective::kThroughput: return candidate.per_device ? candidate.tokens_per_s_device() : candidate.tokens_per_s;
    case Objective::kCost:
      if (candidate.usd_per_million_tokens > 0) return candidate.usd_per_million_tokens;
      return candidate.tokens_per_s > 0 ? 1e6 * candidate.cut.devices() / candidate.tokens_per_s : 1e18;
  }
  return 0;
}

double advantage(Objective objective, const Candidate& a, const Candidate& b) {
  const double value_a = objective_value(objective, a);
  const double value_b = objective_value(objective, b);
  if (objective == Objective::kThroughput) return value_b > 0 ? value_a / value_b - 1 : 0;
  return value_b > 0 ? 1 - value_a / value_b : 0;
}

double score(Objective objective, const Candidate& c) {
  const int settings = (c.cut.sp ? 1 : 0) + (c.cut.microbatches > 0 ? 1 : 0) + (c.cut.fitted_layers ? 1 : 0);
  const double sign = objective == Objective::kThroughput ? -1 : 1;
  const double second = objective == Objective::kLatency ? c.ttft_ms : c.tpot_ms;
  return sign * log_of(objective_value(objective, c)) + kPerSecond * log_of(second) +
         kPerDevice * log_of(c.cut.devices()) + kPerSetting * settings;
}

bool better(const Candidate& a, const Candidate& b) {
  // Of equals, whole experts go before experts cut by TP: a larger ep.
  return std::tuple(a.slo_excess, a.score, -a.cut.ep, a.cut) < std::tuple(b.slo_excess, b.score, -b.cut.ep, b.cut);
}

std::vector<Candidate> best_of_each_shape(const std::vector<Candidate>& ranked) {
  std::vector<Candidate> best;
  std::vector<std::tuple<int, int, int, int>> seen;
  seen.reserve(ranked.size());
  for (const Candidate& candidate : ranked) {
    seen.emplace_back(candidate.cut.tp, candidate.cut.pp, candidate.cut.dp, candidate.cut.ep);
  }
  // The first of each shape: sort positions by (shape, position), keep the heads, restore the order.
  std::vector<size_t> order(ranked.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](size_t a, size_t b) { return std::tie(seen[a], a) < std::tie(seen[b], b); });
  const auto alike = [&](size_t a, size_t b) { return seen[a] == seen[b]; };
  order.erase(std::unique(order.begin(), order.end(), alike), order.end());
  std::ranges::sort(order);
  best.reserve(order.size());
  for (const size_t i : order) best.push_back(ranked[i]);
  return best;
}

}  // namespace kerf
