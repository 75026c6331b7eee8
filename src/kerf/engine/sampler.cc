#include "kerf/engine/sampler.h"

#include <algorithm>
#include <limits>

#include "kerf/base/counter_rng.h"
#include "kerf/engine/softmax.h"

namespace kerf {
namespace {

constexpr int32_t kSeen = 1 << 30;  // above any count of occurrences

// Enough for nearly every draw from a trained model's distribution; then eight times more at a time.
constexpr size_t kFirstCandidates = 128;
constexpr size_t kCandidatesGrowth = 8;

bool penalises(const SamplingParams& params) {
  return params.repetition_penalty != 1 || params.frequency_penalty != 0 || params.presence_penalty != 0;
}

bool adjusts(const SamplingParams& params) { return penalises(params) || !params.logit_bias.empty(); }

bool rules_anything(const TokenRules& rules) { return rules.allowed != nullptr || !rules.forbidden.empty(); }

constexpr double kLargest = std::numeric_limits<float>::max();

int32_t first_of(std::span<const float> row, float value) {
  return static_cast<int32_t>(std::find(row.begin(), row.end(), value) - row.begin());
}

}  // namespace

Result<SampledToken> Sampler::sample(const SampleArgs& args) {
  const SamplingParams& params = args.params;
  KERF_CHECK(!args.logits.empty(), "a row of no logits");
  const RowScan raw = scan(args.logits);
  if (!raw.finite) {
    return fail("logits of request {} at position {} hold NaN or infinity: the weights or the arithmetic are broken",
                args.request, args.position);
  }
  std::span<const float> row = args.logits;
  size_t choices = row.size();
  if (adjusts(params)) {
    adjusted_.assign(row.begin(), row.end());
    add_bias(args);
    if (penalises(params)) penalise(args);
    row = adjusted_;
  }
  if (rules_anything(args.rules)) {
    choices = rule_out(row, args.rules);
    if (choices == 0) {
      return fail("request {} has no token to go on with at position {}: its grammar or --min-tokens rules out all",
                  args.request, args.position);
    }
    row = ruled_;
  }
  const float max = row.data() == args.logits.data() ? raw.max : scan(row).max;

  SampledToken sampled;
  sampled.token = params.temperature == 0
                      ? first_of(row, max)
                      : draw(row, choices, max, params, uniform_at(params.seed, static_cast<uint64_t>(args.position)));
  if (params.logprobs >= 0) {
    const LogSoftmax log_softmax(args.logits);
    sampled.logprob = log_softmax.at(args.logits[static_cast<size_t>(sampled.token)]);
    select_top(args.logits, static_cast<size_t>(params.logprobs));
    for (const Candidate& c : candidates_) sampled.top.push_back({c.id, log_softmax.at(c.logit)});
  }
  return sampled;
}

void Sampler::add_bias(const SampleArgs& args) {
  for (const auto& [id, bias] : args.params.logit_bias) {
    KERF_CHECK(id >= 0 && static_cast<size_t>(id) < adjusted_.size(), "a token id outside the vocabulary");
    float& logit = adjusted_[static_cast<size_t>(id)];
    logit = static_cast<float>(std::clamp(double{logit} + double{bias}, -kLargest, kLargest));
  }
}

// Keeps what it changes finite.
void Sampler::penalise(const SampleArgs& args) {
  const SamplingParams& params = args.params;
  occurrences_.resize(args.logits.size(), 0);
  const auto see = [&](int32_t id, int32_t output) {
    KERF_CHECK(id >= 0 && static_cast<size_t>(id) < occurrences_.size(), "a token id outside the vocabulary");
    int32_t& entry = occurrences_[static_cast<size_t>(id)];
    if (entry == 0) touched_.push_back(id);
    entry = (entry | kSeen) + output;
  };
  for (const int32_t id : args.prompt) see(id, 0);
  for (const int32_t id : args.output) see(id, 1);

  for (const int32_t id : touched_) {
    const auto at = static_cast<size_t>(id);
    const int32_t count = occurrences_[at] - kSeen;
    double logit = adjusted_[at];
    logit = logit > 0 ? logit / params.repetition_penalty : logit * params.repetition_penalty;
    logit -= params.frequency_penalty * count;
    if (count > 0) logit -= params.presence_penalty;
    adjusted_[at] = static_cast<float>(std::clamp(logit, -kLargest, kLargest));
    occurrences_[at] = 0;
  }
  touched_.clear();
}

// ruled_ = the row with -infinity for what may not be chosen; returns how many tokens may.
size_t Sampler::rule_out(std::span<const float> row, const TokenRules& rules) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const auto within = [&](int32_t id) { return id >= 0 && static_cast<size_t>(id) < row.size(); };
  if (rules.allowed == nullptr) {
    ruled_.assign(row.begin(), row.end());
  } else {
    ruled_.assign(row.size(), kNever);
    const auto allow = [&](int32_t id) {
      if (within(id)) ruled_[static_cast<size_t>(id)] = row[static_cast<size_t>(id)];
    };
    rules.allowed->for_each(allow);
    for (const int32_t id : rules.also_allowed) allow(id);
  }
  for (const int32_t id : rules.forbidden) {
    if (within(id)) ruled_[static_cast<size_t>(id)] = kNever;
  }
  return row.size() - static_cast<size_t>(std::count(ruled_.begin(), ruled_.end(), kNever));
}

// min_p, top_k and top_p each keep the likeliest so many tokens, so all three are bounds on one walk
// from the likeliest down. Weights are probabilities relative to the likeliest, whose weight is 1.
int32_t Sampler::draw(std::span<const float> row, size_t choices, float max, const SamplingParams& params,
                      double uniform) {
  const bool cut = params.top_k > 0 && static_cast<size_t>(params.top_k) < choices;
  const size_t limit = cut ? static_cast<size_t>(params.top_k) : choices;
  const auto weight = [&, top = static_cast<double>(max)](float logit) {
    const double w = exp_of_nonpositive((logit - top) / params.temperature);
    return w >= params.min_p ? w : 0.0;
  };
  select_top(row, cut ? limit : std::min(limit, kFirstCandidates));
  cumulative_.clear();

  // How many of the likeliest tokens together first reach `target`; all that have a weight if none do.
  const auto cover = [&](double target) {
    for (size_t n = 0;; ++n) {
      if (n == cumulative_.size()) {
        if (n == limit) return n;
        if (n == candidates_.size()) select_top(row, std::min(limit, kCandidatesGrowth * n));
        const double w = weight(candidates_[n].logit);
        if (w == 0) return n;
        cumulative_.push_back(n == 0 ? w : cumulative_.back() + w);
      }
      if (cumulative_[n] >= target) return n + 1;
    }
  };

  double mass = 0;
  if (cut) {
    for (const Candidate& c : candidates_) mass += weight(c.logit);
  } else {
    mass = sum_in_lanes(row.size(), [&](size_t i) { return weight(row[i]); });
  }
  if (params.top_p < 1) mass = cumulative_[cover(params.top_p * mass) - 1];
  return candidates_[cover(uniform * mass) - 1].id;
}

// candidates_ = the `count` largest of the row, from the largest down, equals by id.
void Sampler::select_top(std::span<const float> row, size_t count) {
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  candidates_.clear();
  count = std::min(count, row.size());
  if (count == 0) return;
  // Collect whatever beats the count-th largest so far; ids ascend, so an equal later one does not.
  const size_t capacity = std::max<size_t>(2 * count, 256);
  float bar = -std::numeric_limits<float>::infinity();
  const auto keep_largest = [&] {
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(count - 1);
    std::nth_element(candidates_.begin(), last, candidates_.end(), before);
    bar = last->logit;
    candidates_.resize(count);
  };
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i] <= bar) continue;
    candidates_.push_back({row[i], static_cast<int32_t>(i)});
    if (candidates_.size() == capacity) keep_largest();
  }
  if (candidates_.size() > count) keep_largest();
  std::sort(candidates_.begin(), candidates_.end(), before);
}

}  // namespace kerf
