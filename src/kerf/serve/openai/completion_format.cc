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

 private:
  void append_stream_choices(size_t choice, const Piece& piece, std::vector<std::string>& objects) override {
    if (piece.text.empty() && piece.tokens.empty() && !piece.finish && !options_.continuous_usage) return;
    append_whole_choice(objects.emplace_back(), choice, piece);
  }

  void append_whole_choice(std::string& out, size_t choice, const Piece& piece) override {
    fmt::format_to(std::back_inserter(out), "{{\"index\":{},\"text\":", choice);
    append_json_string(out, piece.text);
    out += ",\"logprobs\":";
    if (options_.reports_logprobs) {
      append_completion_logprobs(out, piece.tokens, *model_.tokenizer, options_.tokens_as_ids);
    } else {
      out += "null";
    }
    out += ",\"finish_reason\":" + finish_json(piece) + ",";
    append_stop_reason(out, piece);
    out += '}';
  }
};

}  // namespace

std::unique_ptr<AnswerFormat> make_completion_format(const ServedModel& model, const GenerationOptions& options) {
  return std::make_unique<CompletionFormat>(model, options);
}

}  // namespace kerf
