#include "kerf/serve/openai/chat_format.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "kerf/serve/openai/json_text.h"
#include "kerf/serve/openai/logprobs_json.h"
#include "kerf/serve/openai/random.h"
#include "kerf/serve/openai/tool_calls.h"

namespace kerf {

namespace {

class ChatFormat : public AnswerFormat {
 public:
  ChatFormat(const ServedModel& model, const GenerationOptions& options, ToolChoice tools)
      : AnswerFormat({.id_prefix = "chatcmpl-", .object = "chat.completion", .stream_object = "chat.completion.chunk"},
                     model, options),
        tools_(std::move(tools)) {}

  void append_events(std::string& out, size_t choice, const AnswerPiece& piece, const Usage& usage) override {
    State& state = state_of(choice);
    if (!std::exchange(state.begun, true)) {
      open_event(out);
      fmt::format_to(
          std::back_inserter(out),
          R"({{"index":{},"delta":{{"role":"assistant","content":""}},"logprobs":null,"finish_reason":null}})", choice);
      close_event(out, usage);
    }
    const ToolOutput output = read(state, piece);
    const bool empty = output.content.empty() && output.calls.empty();
    if (empty && piece.tokens.empty() && !piece.finish && !options_.continuous_usage) return;
    open_event(out);
    fmt::format_to(std::back_inserter(out), "{{\"index\":{},\"delta\":{{", choice);
    if (!output.content.empty() || (empty && !piece.finish)) {
      out += "\"content\":";
      append_json_string(out, output.content);
    }
    if (!output.calls.empty()) {
      out += output.content.empty() ? "\"tool_calls\":[" : ",\"tool_calls\":[";
      for (const CallPart& part : output.calls) append_call_part(out, part, &part == &output.calls.front());
      out += ']';
    }
    out += "},";
    append_end_of_choice(out, piece, state);
    close_event(out, usage);
  }

 private:
  // Of one choice.
  struct State {
    std::unique_ptr<ToolCallReader> reader;
    bool begun = false;
    bool called = false;  // a tool
  };

  State& state_of(size_t choice) {
    while (states_.size() <= choice) states_.push_back({make_tool_call_reader(model_.tools, tools_)});
    return states_[choice];
  }

  static ToolOutput read(State& state, const AnswerPiece& piece) {
    if (!state.reader) return {.content = piece.text};
    ToolOutput output = state.reader->push(piece.text);
    if (piece.finish) {
      ToolOutput last = state.reader->finish();
      output.content += last.content;
      std::ranges::move(last.calls, std::back_inserter(output.calls));
    }
    state.called = state.called || !output.calls.empty();
    return output;
  }

  void append_call_part(std::string& out, const CallPart& part, bool first) const {
    if (!first) out += ',';
    fmt::format_to(std::back_inserter(out), "{{\"index\":{},", part.index);
    if (!part.name.empty()) return append_named_call(out, part);
    out += "\"function\":{\"arguments\":";
    append_json_string(out, part.arguments);
    out += "}}";
  }

  // The rest of the object of a call, from its "id" on.
  void append_named_call(std::string& out, const CallPart& part) const {
    fmt::format_to(std::back_inserter(out), R"("id":"{}","type":"function","function":{{"name":)", new_call_id());
    append_json_string(out, part.name);
    out += ",\"arguments\":";
    append_json_string(out, part.arguments);
    out += "}}";
  }

  void append_whole_choice(std::string& out, size_t choice, const AnswerPiece& piece) override {
    State& state = state_of(choice);
    const ToolOutput output = read(state, piece);
    fmt::format_to(std::back_inserter(out), R"({{"index":{},"message":{{"role":"assistant","content":)", choice);
    if (output.content.empty() && !output.calls.empty()) {
      out += "null";
    } else {
      append_json_string(out, output.content);
    }
    out += ",\"refusal\":null";
    if (!output.calls.empty()) append_whole_calls(out, output.calls);
    out += "},";
    append_end_of_choice(out, piece, state);
  }

  void append_whole_calls(std::string& out, const std::vector<CallPart>& parts) const {
    out += ",\"tool_calls\":[";
    for (const CallPart& part : parts) {
      out += part.index > 0 ? ",{" : "{";
      append_named_call(out, part);
    }
    out += ']';
  }

  // "logprobs", "finish_reason", "stop_reason" and the brace.
  void append_end_of_choice(std::string& out, const AnswerPiece& piece, const State& state) const {
    out += "\"logprobs\":";
    if (options_.reports_logprobs) {
      append_chat_logprobs(out, piece.tokens, *model_.tokenizer, options_.tokens_as_ids);
    } else {
      out += "null";
    }
    // A function that the client chose is no decision of the model: OpenAI says "stop" then.
    const bool calls =
        state.called && piece.finish == FinishReason::kStop && tools_.kind != ToolChoice::Kind::kFunction;
    out += ',';
    if (calls) {
      out += "\"finish_reason\":\"tool_calls\"";
    } else {
      append_finish_reason(out, piece);
    }
    if (piece.finish) {
      out += ',';
      append_stop_reason(out, piece);
    }
    out += '}';
  }

  // Mistral's templates take ids of nine letters and digits only.
  [[nodiscard]] std::string new_call_id() const {
    return model_.tools == ToolFormat::kMistral ? random_name(9) : "call_" + random_name(24);
  }

  ToolChoice tools_;
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<AnswerFormat> make_chat_format(const ServedModel& model, const GenerationOptions& options,
                                               ToolChoice choice) {
  return std::make_unique<ChatFormat>(model, options, std::move(choice));
}

}  // namespace kerf
