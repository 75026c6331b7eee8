#include <fmt/format.h>

#include <iterator>

#include "kerf/serve/openai/answer_format.h"
#include "kerf/serve/openai/json_text.h"
#include "kerf/serve/openai/logprobs_json.h"

namespace kerf {

namespace {

// {"index", "text", "logprobs", "finish_reason", "stop_reason"}, the same in a stream and in one.
class CompletionFormat : public AnswerFormat {
 public:
  CompletionFormat(const ServedModel& model, const GenerationOptions& options)
      : AnswerFormat({.id_prefix = "cmpl-", .object = "text_completion", .stream_object = "text_completion"}, model,
                     options) {}

  void append_events(std::string& out, size_t choice, const AnswerPiece& piece, const Usage& usage) override {
    if (piece.text.empty() && piece.tokens.empty() && !piece.finish && !options_.continuous_usage) return;
    open_event(out);
    append_whole_choice(out, choice, piece);
    close_event(out, usage);
  }

 private:
  void append_whole_choice(std::string& out, size_t choice, const AnswerPiece& piece) override {
    fmt::format_to(std::back_inserter(out), "{{\"index\":{},\"text\":", choice);
    append_json_string(out, piece.text);
    out += ",\"logprobs\":";
    if (options_.reports_logprobs) {
      append_completion_logprobs(out, piece.tokens, *model_.tokenizer, options_.tokens_as_ids);
    } else {
      out += "null";
    }
    out += ',';
    append_finish_reason(out, piece);
    out += ',';
    append_stop_reason(out, piece);
    out += '}';
  }
};

}  // namespace

std::unique_ptr<AnswerFormat> make_completion_format(const ServedModel& model, const GenerationOptions& options) {
  return std::make_unique<CompletionFormat>(model, options);
}

}  // namespace kerf
