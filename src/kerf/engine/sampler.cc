#include "kerf/engine/sampler.h"

#include <algorithm>
#include <bit>
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

constexpr float kNever = -std::numeric_limits<float>::infinity();

// out = the row, which is finite, with kNever for ids that are not in the set; returns how many are. Of each 64 tokens
// the fewer are set one by one: inside a string nearly all are allowed, between values nearly none.
size_t keep_allowed(std::span<const float> row, const TokenSet& allowed, std::span<float> out) {
  size_t choices = 0;
  for (size_t first = 0; first < row.size(); first += 64) {
    const size_t count = std::min<size_t>(64, row.size() - first);
    const uint64_t all = ~uint64_t{0} >> (64 - count);
    const uint64_t in = allowed.word(first / 64) & all;
    const auto num_in = static_cast<size_t>(std::popcount(in));
    const bool most = 2 * num_in > count;
    if (most) {
      std::copy_n(row.data() + first, count, out.data() + first);
    } else {
      std::fill_n(out.data() + first, count, kNever);
    }
    for (uint64_t rest = most ? all & ~in : in; rest != 0; rest &= rest - 1) {
      const size_t id = first + static_cast<size_t>(std::countr_zero(rest));
      out[id] = most ? kNever : row[id];
    }
    choices += num_in;
  }
  return choices;
}

constexpr double kLargest = std::numeric_limits<float>::max();

// Block by block, each of which the compiler looks through with vectors: a search that may end anywhere has none.
int32_t first_of(std::span<const float> row, float value) {
  constexpr size_t kBlock = 64;
  size_t at = 0;
  for (; at + kBlock <= row.size(); at += kBlock) {
    int32_t found = 0;
    for (size_t i = at; i < at + kBlock; ++i) found |= row[i] == value ? 1 : 0;
    if (found != 0) break;
  }
  return static_cast<int32_t>(std::find(row.begin() + static_cast<ptrdiff_t>(at), row.end(), value) - row.begin());
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
  ruled_.resize(row.size());
  size_t choices = row.size();
  if (rules.allowed == nullptr) {
    std::copy(row.begin(), row.end(), ruled_.begin());
  } else {
    choices = keep_allowed(row, *rules.allowed, ruled_);
  }
  const auto within = [&](int32_t id) { return id >= 0 && static_cast<size_t>(id) < row.size(); };
  for (const int32_t id : rules.also_allowed) {
    if (!within(id) || ruled_[static_cast<size_t>(id)] != kNever) continue;
    ruled_[static_cast<size_t>(id)] = row[static_cast<size_t>(id)];
    ++choices;
  }
  for (const int32_t id : rules.forbidden) {
    if (!within(id) || ruled_[static_cast<size_t>(id)] == kNever) continue;
    ruled_[static_cast<size_t>(id)] = kNever;
    --choices;
  }
  return choices;
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
