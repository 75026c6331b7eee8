// Choice: the way of one answer from tokens to what a client reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kerf/engine/sampler.h"
#include "kerf/engine/stop_strings.h"
#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/serve/generator.h"
#include "kerf/serve/openai/generation_options.h"

namespace kerf {

// A token with its place, for those that want log-probabilities.
struct ReportedToken {
  SampledToken sampled;
  int64_t text_offset = 0;  // characters of the answer before it
};

// What is new of an answer, or all of it.
struct AnswerPiece {
  std::string text;
  std::vector<ReportedToken> tokens;                               // where log-probabilities are wanted
  std::optional<FinishReason> finish;                              // the last piece
  std::variant<std::monostate, std::string, int32_t> stop_reason;  // the stop string or stop token that ended it

  void append(AnswerPiece next);
};

// Threading: one thread at a time. The tokenizer and the options outlive it.
class Choice {
 public:
  // detokenizer: has seen the prompt. echo: text that goes before the answer.
  Choice(Detokenizer detokenizer, const GenerationOptions& options, std::string echo);

  // Ids of special tokens whose text is shown although special tokens are not.
  void show_special(int32_t id, std::string text) { shown_special_.emplace_back(id, std::move(text)); }

  // What an event brings. The piece may be the last where the event is not: a stop string ended the answer.
  [[nodiscard]] AnswerPiece take(const GenerationEvent& event);

  [[nodiscard]] int64_t num_tokens() const { return num_tokens_; }
  [[nodiscard]] double mean_logprob() const;

 private:
  void show(AnswerPiece& piece, const std::string& text);
  [[nodiscard]] std::string text_of(int32_t token);

  const GenerationOptions& options_;
  Detokenizer detokenizer_;
  StopStrings stops_;
  std::string echo_;  // not yet given
  std::vector<std::pair<int32_t, std::string>> shown_special_;
  int64_t num_tokens_ = 0;
  int64_t characters_ = 0;  // of the text so far, what stop strings hold back included
  double logprobs_ = 0;     // their sum
};

}  // namespace kerf
