#include "kerf/serve/tracked_request.h"

#include <algorithm>

namespace kerf {

namespace {

// Output that is worth counting: most answers end before their max_tokens.
constexpr int64_t kUsualOutput = 256;

}  // namespace

Result<std::optional<GenerationEvent>> TrackedRequest::take(TokenUpdate update) {
  GenerationEvent event;
  std::vector<int32_t>& told = request.output_ids;
  if (update.token) {
    const int32_t token = update.token->token;
    const auto index = update.position - static_cast<int64_t>(request.prompt_ids.size());
    const auto count = static_cast<int64_t>(told.size());
    if (index < 0 || index > count) return fail("a replica gave token {} of the answer after token {}", index, count);
    deaths_ = 0;
    if (index < count) {  // a replica that begins again
      const int32_t before = told[static_cast<size_t>(index)];
      if (before == token) return std::optional<GenerationEvent>();
      return fail("token {} of the answer was {}, and is {} on another replica", index, before, token);
    }
    if (told.empty()) event.cached_tokens = update.cached_tokens;
    told.push_back(token);
    event.tokens.push_back(std::move(*update.token));
  }
  if (update.finish == FinishReason::kError) {
    event.refusal = Refusal{.kind = Refusal::Kind::kFailed, .message = std::move(update.error)};
  } else {
    event.finish = update.finish;
  }
  if (event.tokens.empty() && !event.finish && !event.refusal) return std::optional<GenerationEvent>();
  return std::optional(std::move(event));
}

int64_t TrackedRequest::outstanding_tokens() const {
  const auto told = static_cast<int64_t>(request.output_ids.size());
  const int64_t output = std::clamp<int64_t>(request.params.max_tokens - told, 0, kUsualOutput);
  return output + (told == 0 ? static_cast<int64_t>(request.prompt_ids.size()) - cached_there : 0);
}

}  // namespace kerf
