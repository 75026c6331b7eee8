// Sampling parameters none of which is at its default.
#pragma once

#include "kerf/engine/request.h"

namespace kerf::testing {

inline SamplingParams full_params() {
  return {.temperature = 0.7,
          .top_k = 40,
          .top_p = 0.9,
          .min_p = 0.05,
          .repetition_penalty = 1.1,
          .frequency_penalty = -0.5,
          .presence_penalty = 0.25,
          .seed = ~0ULL,
          .logprobs = 5,
          .logit_bias = {{3, -100.0F}, {17, 2.5F}},
          .min_tokens = 4,
          .grammar = "json",
          .max_tokens = 77,
          .stop = {"\n\n", "Ende"},
          .stop_token_ids = {9, 2},
          .ignore_eos = true};
}

}  // namespace kerf::testing
