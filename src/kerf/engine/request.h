// A request: a prompt, how to continue it, and why the continuation ended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

using RequestId = int64_t;

// Named as OpenAI's finish_reason, "abort" and "error" as vLLM's.
enum class FinishReason : uint8_t {
  kStop,    // an end-of-sequence token, a stop token or a stop string
  kLength,  // max_tokens, or the model's context, is used up
  kAbort,   // cancelled
  kError,   // the model gave logits that nothing can be sampled from
};
[[nodiscard]] std::string_view name_of(FinishReason reason);  // "stop", "length", "abort", "error"

// Most alternatives reported per token: what OpenAI's API allows.
inline constexpr int kMaxLogprobs = 20;
// As OpenAI's API has it.
inline constexpr float kMaxLogitBias = 100;
inline constexpr size_t kMaxLogitBiases = 1024;  // vLLM takes as many
inline constexpr size_t kMaxGrammarBytes = size_t{256} << 10;

// vLLM's names and meanings.
struct SamplingParams {
  // For the sampler; travel to the last stage with a sequence's first step.
  double temperature = 1.0;         // 0 = greedy
  int top_k = 0;                    // the k likeliest tokens only; 0 and -1 = all
  double top_p = 1.0;               // the likeliest tokens that together have this probability
  double min_p = 0.0;               // tokens at least this likely, relative to the likeliest
  double repetition_penalty = 1.0;  // over prompt and output: positive logits are divided, others multiplied by it
  double frequency_penalty = 0.0;   // over the output: subtracted once per occurrence
  double presence_penalty = 0.0;    // over the output: subtracted once
  uint64_t seed = 0;
  int logprobs = -1;                                  // -1 = none; n = the chosen token's and those of the n likeliest
  std::vector<std::pair<int32_t, float>> logit_bias;  // token → added to its logit, first of all; ids increase
  int64_t min_tokens = 0;                             // until so many are out, no end-of-sequence or stop token
  // Empty = none; else what the output must match: "json", or "schema:" and a JSON Schema (io/grammar/grammar.h).
  std::string grammar;

  // For rank 0, which decides when a sequence ends; the last two also for the sampler while min_tokens counts.
  int64_t max_tokens = 16;
  std::vector<std::string> stop;  // strings; matched on detokenised text (stop_strings.h)
  std::vector<int32_t> stop_token_ids;
  bool ignore_eos = false;

  // One sentence that names the flag, its value and what is allowed.
  [[nodiscard]] Status validate() const;
  // The sampler's part; the rest at its defaults.
  [[nodiscard]] SamplingParams for_sampler() const;
  bool operator==(const SamplingParams&) const = default;
};

struct Request {
  RequestId id = 0;
  std::vector<int32_t> prompt_ids;
  SamplingParams params;
  bool score = false;  // wants the logits of every prompt position, and no new token

  // For a server.
  std::vector<int32_t> output_ids;  // tokens of the answer that are known already: it goes on after them, with the
                                    // tokens that it would have had anyway; they count towards max_tokens
  int priority = 0;                 // vLLM's: a lower one goes first
  uint64_t tenant = 0;              // requests of one priority share a replica fairly by tenant
  std::string name;                 // what its client knows it by, "cmpl-…"; the front's, replicas do not learn it
  int n = 1;                        // answers that the client asked for under that name, of which this is one; likewise
};

}  // namespace kerf
