// AnswerFormat: pieces of an answer as the JSON of one of the APIs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/serve/openai/choice.h"
#include "kerf/serve/openai/generation_options.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompts', those that the prefix cache held
};

// {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details": {"cached_tokens"}}
[[nodiscard]] std::string usage_json(const Usage& usage);

// "cmpl-" and 32 hex digits that no other answer has.
[[nodiscard]] std::string new_answer_id(std::string_view prefix);

// One request's. Threading: one thread at a time.
class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;
  AnswerFormat(const AnswerFormat&) = delete;
  AnswerFormat& operator=(const AnswerFormat&) = delete;

  // Appends the events that show a piece of a choice to a stream: none where it shows nothing.
  virtual void append_events(std::string& out, size_t choice, const AnswerPiece& piece, const Usage& usage) = 0;

  // Appends what ends a stream.
  void append_end(std::string& out, const Usage& usage) const;

  // What the client knows the answer by.
  [[nodiscard]] const std::string& id() const { return id_; }

  // The answer in one; choices[i] is all of choice i.
  [[nodiscard]] std::string whole(const std::vector<AnswerPiece>& choices, const Usage& usage);

 protected:
  struct Names {
    std::string_view id_prefix, object, stream_object;
  };
  AnswerFormat(const Names& names, const ServedModel& model, const GenerationOptions& options);

  // An event: what goes between the two is an object of "choices".
  void open_event(std::string& out) const { out += event_opening_; }
  void close_event(std::string& out, const Usage& usage) const;

  // The object of all of a choice.
  virtual void append_whole_choice(std::string& out, size_t choice, const AnswerPiece& piece) = 0;

  // "finish_reason":"stop" or whatever it is, or null
  static void append_finish_reason(std::string& out, const AnswerPiece& piece);
  // "stop_reason":…
  static void append_stop_reason(std::string& out, const AnswerPiece& piece);

  const ServedModel& model_;
  const GenerationOptions& options_;

 private:
  [[nodiscard]] std::string opening(std::string_view object) const;

  std::string id_;
  int64_t created_;
  Names names_;
  std::string event_opening_;  // `data: {…"choices":[`
};

// /v1/completions. model and options outlive it.
[[nodiscard]] std::unique_ptr<AnswerFormat> make_completion_format(const ServedModel& model,
                                                                   const GenerationOptions& options);

}  // namespace kerf
