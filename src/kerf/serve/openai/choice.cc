#include "kerf/serve/openai/choice.h"

#include <algorithm>
#include <iterator>

namespace kerf {

namespace {

int64_t count_characters(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

}  // namespace

void AnswerPiece::append(AnswerPiece next) {
  text += next.text;
  std::ranges::move(next.tokens, std::back_inserter(tokens));
  finish = next.finish;
  stop_reason = std::move(next.stop_reason);
}

Choice::Choice(Detokenizer detokenizer, const GenerationOptions& options, std::string echo)
    : options_(options),
      detokenizer_(std::move(detokenizer)),
      stops_(options.params.stop),
      echo_(std::move(echo)),
      characters_(count_characters(echo_)) {}

std::string Choice::text_of(int32_t token) {
  const auto shown = std::ranges::find(shown_special_, token, [](const auto& special) { return special.first; });
  return shown == shown_special_.end() ? detokenizer_.push(token) : shown->second;
}

void Choice::show(AnswerPiece& piece, const std::string& text) {
  characters_ += count_characters(text);
  // As vLLM has it, a stop string counts only in what follows the first min_tokens.
  piece.text += num_tokens_ <= options_.params.min_tokens ? text : stops_.push(text);
}

AnswerPiece Choice::take(const GenerationEvent& event) {
  AnswerPiece piece{.text = std::exchange(echo_, {}), .finish = event.finish};
  for (const SampledToken& sampled : event.tokens) {
    ++num_tokens_;
    logprobs_ += sampled.logprob;
    if (options_.reports_logprobs) piece.tokens.push_back({sampled, characters_});
    const bool ends = event.finish == FinishReason::kStop && &sampled == &event.tokens.back();
    if (ends) {
      const auto& stop_ids = options_.params.stop_token_ids;
      if (std::ranges::find(stop_ids, sampled.token) != stop_ids.end()) piece.stop_reason = sampled.token;
    }
    if (!ends || options_.include_stop_in_output) show(piece, text_of(sampled.token));
    if (stops_.stopped()) break;
  }
  if (piece.finish && !stops_.stopped()) {
    show(piece, detokenizer_.flush());
    if (!stops_.stopped()) piece.text += stops_.flush();
  }
  if (stops_.stopped()) {
    if (options_.include_stop_in_output) piece.text += stops_.stopped_by();
    piece.finish = FinishReason::kStop;
    piece.stop_reason = stops_.stopped_by();
  }
  return piece;
}

double Choice::mean_logprob() const { return num_tokens_ == 0 ? 0 : logprobs_ / static_cast<double>(num_tokens_); }

}  // namespace kerf
