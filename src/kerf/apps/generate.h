// Text generation on top of the engine: ids become text, stop strings end it, times are taken.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/engine.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

struct Generation {
  std::vector<int32_t> prompt_ids;
  std::vector<int32_t> ids;
  std::vector<SampledToken> tokens;  // with log-probabilities, when asked for
  std::string text;                  // without the stop string, special tokens left out
  FinishReason finish = FinishReason::kLength;
  double ttft_ms = 0;  // from the start to the first token
  double tpot_ms = 0;  // from the first token to the last, by the number of tokens between
};

// Shows text of request i as it comes: whole characters, never a part of a stop string.
using ShowText = std::function<void(size_t i, std::string_view text)>;

// Continues every prompt, all at the same time. tokenizer may be null: then there is no text, and
// stop strings are not possible. Fails when the engine refuses a request or a token could not be sampled.
[[nodiscard]] Result<std::vector<Generation>> generate(Engine& engine, const Tokenizer* tokenizer,
                                                       const std::vector<std::vector<int32_t>>& prompts,
                                                       const SamplingParams& params, const ShowText& show = {});

}  // namespace kerf
