// What chat completions and completions have in common: how to sample, when to stop, what to report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kerf/engine/request.h"
#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/fields.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

// Most answers to one request: each is a sequence of its own in the scheduler.
inline constexpr int64_t kMaxChoices = 128;

struct GenerationOptions {
  SamplingParams params;  // the sampler's logprobs are set where only best_of needs them, too
  bool reports_logprobs = false;
  std::optional<int64_t> max_tokens;  // as the client said it; the rest of the context when it did not
  bool seeded = false;                // params.seed is the client's
  int n = 1;
  int best_of = 1;  // so many are generated, the n likeliest are given

  bool stream = false;
  bool include_usage = false;     // a last event with the usage, "usage": null in the others
  bool continuous_usage = false;  // vLLM's: the usage so far in every event
  bool skip_special_tokens = true;
  bool include_stop_in_output = false;
  bool tokens_as_ids = false;  // logprobs name "token_id:5" instead of a text

  int priority = 0;
  std::string user;  // "" = not said
};

// The model's own defaults are generation_config.json's, as vLLM takes them; then OpenAI's.
[[nodiscard]] ApiResult<GenerationOptions> parse_generation_options(const Fields& body, const ServedModel& model);

// Whether the body's "model" is served; a request that names none means the only one.
[[nodiscard]] ApiStatus check_model(const Fields& body, const ServedModel& model);

// How many tokens an answer to a prompt of so many may have.
[[nodiscard]] ApiResult<int64_t> tokens_allowed(int64_t prompt_tokens, const std::optional<int64_t>& wanted,
                                                const ServedModel& model);

}  // namespace kerf
