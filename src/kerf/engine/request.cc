#include "kerf/engine/request.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kerf {
namespace {

// Fails unless low <= value <= high; NaN and infinity fail too.
Status in_range(std::string_view flag, double value, double low, double high, std::string_view allowed) {
  if (std::isfinite(value) && value >= low && value <= high) return Ok{};
  return fail("{} is {}: give {}", flag, value, allowed);
}

Status check_logit_bias(const std::vector<std::pair<int32_t, float>>& biases) {
  if (biases.size() > kMaxLogitBiases) {
    return fail("--logit-bias names {} tokens: give at most {}", biases.size(), kMaxLogitBiases);
  }
  for (size_t i = 0; i < biases.size(); ++i) {
    const auto& [token, bias] = biases[i];
    if (token < 0) return fail("--logit-bias names token {}: give ids of at least 0", token);
    if (i > 0 && token <= biases[i - 1].first) {
      return fail("--logit-bias names token {} twice, or out of order: give each token once, ids ascending", token);
    }
    if (!(std::abs(bias) <= kMaxLogitBias)) {
      return fail("--logit-bias of token {} is {}: give a number from -{} to {}", token, bias, kMaxLogitBias,
                  kMaxLogitBias);
    }
  }
  return Ok{};
}

}  // namespace

std::string_view name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kAbort: return "abort";
    case FinishReason::kError: return "error";
  }
  return "unknown";
}

Status SamplingParams::validate() const {
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kMin = std::numeric_limits<double>::min();
  KERF_TRY_STATUS(in_range("--temperature", temperature, 0, kMax, "a number of at least 0 (0 = greedy)"));
  if (top_k < -1) return fail("--top-k is {}: give at least 1, or 0 to consider every token", top_k);
  KERF_TRY_STATUS(in_range("--top-p", top_p, kMin, 1, "a number above 0 and at most 1 (1 = every token)"));
  KERF_TRY_STATUS(in_range("--min-p", min_p, 0, 1, "a number from 0 to 1 (0 = every token)"));
  KERF_TRY_STATUS(
      in_range("--repetition-penalty", repetition_penalty, kMin, kMax, "a number above 0 (1 = no penalty)"));
  KERF_TRY_STATUS(in_range("--frequency-penalty", frequency_penalty, -2, 2, "a number from -2 to 2 (0 = no penalty)"));
  KERF_TRY_STATUS(in_range("--presence-penalty", presence_penalty, -2, 2, "a number from -2 to 2 (0 = no penalty)"));
  if (logprobs < -1 || logprobs > kMaxLogprobs) {
    return fail("--logprobs is {}: give 0 to {}, or -1 for none", logprobs, kMaxLogprobs);
  }
  KERF_TRY_STATUS(check_logit_bias(logit_bias));
  if (min_tokens < 0) return fail("--min-tokens is {}: give at least 0", min_tokens);
  if (grammar.size() > kMaxGrammarBytes) {
    return fail("the grammar has {} bytes: give at most {}", grammar.size(), kMaxGrammarBytes);
  }
  if (max_tokens < 1) return fail("--max-tokens is {}: give at least 1", max_tokens);
  if (std::find(stop.begin(), stop.end(), "") != stop.end()) {
    return fail("--stop is an empty string, which would stop everywhere: give at least one character");
  }
  return Ok{};
}

SamplingParams SamplingParams::for_sampler() const {
  const SamplingParams defaults;
  SamplingParams params = *this;
  params.max_tokens = defaults.max_tokens;
  params.stop.clear();
  if (min_tokens == 0) {
    params.stop_token_ids.clear();
    params.ignore_eos = defaults.ignore_eos;
  }
  return params;
}

}  // namespace kerf
