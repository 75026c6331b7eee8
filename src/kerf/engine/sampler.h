// Sampler: from one row of logits to one token. Pure: the same row, parameters, history and position give the
// same token on any rank, beside any other sequence, after any restart.
//
// As vLLM does it, in this order:
//   1. logit_bias is added
//   2. penalties: repetition (prompt and output), frequency and presence (output)
//   3. tokens that the grammar or min_tokens rules out have no probability from here on
//   4. temperature 0: the largest logit; the lowest id wins ties
//   5. logits / temperature → probabilities
//   6. min_p: drop tokens less likely than min_p times the likeliest
//   7. top_k: keep the k likeliest
//   8. top_p: of these, keep the likeliest ones that first reach probability top_p together
//   9. draw one
// Reported log-probabilities are those of the model's own logits, before step 1 (vLLM's raw_logprobs).
//
// Two differences: among equals top_k and top_p prefer the lower id and keep exactly k (vLLM keeps every
// token that ties with the k-th), so top_k = 1 is greedy; and the draw is by inverse CDF over the tokens
// from the likeliest down (equals by id), in double, with a uniform number that depends on (seed,
// position) only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/request.h"
#include "kerf/io/grammar/token_set.h"

namespace kerf {

// Which tokens may be chosen at all.
struct TokenRules {
  const TokenSet* allowed = nullptr;      // none: all
  std::span<const int32_t> also_allowed;  // beside `allowed`
  std::span<const int32_t> forbidden;     // whatever the two above say
};

struct SampleArgs {
  std::span<const float> logits;    // [vocab] f32
  const SamplingParams& params;     // valid
  std::span<const int32_t> prompt;  // token ids below vocab, for the penalties
  std::span<const int32_t> output;  // tokens sampled so far
  int64_t position = 0;             // of the token to choose: prompt.size() + output.size()
  RequestId request = 0;            // for the error's sentence
  TokenRules rules = {};
};

struct TokenLogprob {
  int32_t token = 0;
  double logprob = 0;  // nats
  bool operator==(const TokenLogprob&) const = default;
};

struct SampledToken {
  int32_t token = 0;
  double logprob = 0;             // nats; 0 when params.logprobs is -1
  std::vector<TokenLogprob> top;  // the params.logprobs likeliest, likeliest first
  bool operator==(const SampledToken&) const = default;
};

// Cost for a vocabulary V: a pass to find the maximum, one of exp unless greedy or top_k, and a partial
// selection of the likeliest few hundred, more only if the draw needs them. Scratch memory is kept
// from call to call. Threading: one thread at a time per Sampler.
class Sampler {
 public:
  // Fails when a logit is NaN or infinite, and when no token may be chosen.
  [[nodiscard]] Result<SampledToken> sample(const SampleArgs& args);

 private:
  struct Candidate {
    float logit;
    int32_t id;
  };
  void add_bias(const SampleArgs& args);
  void penalise(const SampleArgs& args);
  size_t rule_out(std::span<const float> row, const TokenRules& rules);
  int32_t draw(std::span<const float> row, size_t choices, float max, const SamplingParams& params, double uniform);
  void select_top(std::span<const float> row, size_t count);

  std::vector<float> adjusted_;        // [vocab] logits after steps 1 and 2
  std::vector<float> ruled_;           // [vocab] after step 3: -infinity for what is ruled out
  std::vector<int32_t> occurrences_;   // [vocab] in the output, + kSeen when in prompt or output; zero between calls
  std::vector<int32_t> touched_;       // ids with occurrences_ != 0
  std::vector<Candidate> candidates_;  // the largest logits, in order
  std::vector<double> cumulative_;     // [i] = weight of candidates_[0..i] together
};

}  // namespace kerf
