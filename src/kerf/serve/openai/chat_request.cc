#include "kerf/serve/openai/chat_request.h"

#include "kerf/serve/openai/chat_format.h"
#include "kerf/serve/openai/chat_messages.h"
#include "kerf/serve/openai/prepared_request.h"
#include "kerf/serve/openai/response_format.h"
#include "kerf/serve/openai/tool_format.h"
#include "kerf/serve/openai/tools.h"

namespace kerf {

namespace {

ApiStatus read_options(const Fields& body, GenerationOptions& options) {
  KERF_TRY(options.reports_logprobs, body.boolean("logprobs", false));
  KERF_TRY(const int64_t top, body.integer("top_logprobs", 0, 0, kMaxLogprobs));
  if (top > 0 && !options.reports_logprobs) return refuse("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
  if (options.reports_logprobs) options.params.logprobs = static_cast<int>(top);
  const char* field = body.has("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
  if (!body.has(field)) return Ok{};
  KERF_TRY(options.max_tokens, body.integer(field, 0, 1, INT64_MAX));
  return Ok{};
}

// Refused where ignoring them would give another answer than was asked for.
ApiStatus check_unsupported(const Fields& body) {
  KERF_TRY(const bool continues, body.boolean("continue_final_message", false));
  if (continues) return refuse("continue_final_message", "'continue_final_message' is not supported.");
  if (body.has("chat_template")) return refuse("chat_template", "'chat_template' is the server's to choose.");
  if (body.has("functions")) return refuse("functions", "'functions' is out of use; send 'tools'.");
  return Ok{};
}

}  // namespace

ApiResult<std::string> render_chat(const Fields& body, const Json& tools, const ServedModel& model) {
  if (!model.chat) {
    return refuse("messages", "The model '{}' has no chat template; use /v1/completions.", model.names.front());
  }
  KERF_TRY(Json messages, parse_messages(body));
  Json context = model.chat->context(std::move(messages));
  if (!tools.is_null()) context["tools"] = tools;
  if (const Json* documents = body.find("documents")) context["documents"] = *documents;
  KERF_TRY(const bool prompts, body.boolean("add_generation_prompt", true));
  context["add_generation_prompt"] = prompts;
  KERF_TRY(const std::optional<Fields> extras, body.object("chat_template_kwargs"));
  if (extras) context.update(*body.find("chat_template_kwargs"));
  const Result<std::string> text = model.chat->chat.render(context);
  if (!text.ok()) return refuse("messages", "The chat template refuses: {}.", text.error().message);
  return *text;
}

Preparation prepare_chat(std::string_view body, std::shared_ptr<const ServedModel> model) {
  KERF_TRY(const Json json, parse_body(body));
  const Fields fields(json);
  KERF_TRY(std::unique_ptr<PreparedRequest> request, begin_request(fields, std::move(model)));
  KERF_TRY_STATUS(check_unsupported(fields));
  KERF_TRY_STATUS(read_options(fields, request->options));
  KERF_TRY(Tools tools, parse_tools(fields));
  if (!tools.grammar.empty() && !request->options.params.grammar.empty()) {
    return refuse("tool_choice", "'tool_choice' and 'response_format' both say what the answer must be; send one.");
  }
  const bool forced = !tools.grammar.empty();
  if (forced) request->options.params.grammar = std::move(tools.grammar);
  KERF_TRY_STATUS(check_grammar(request->options.params.grammar, forced ? "tools" : "response_format"));

  KERF_TRY(const std::string text, render_chat(fields, tools.list, *request->model));
  KERF_TRY(const bool add_special_tokens, fields.boolean("add_special_tokens", false));
  KERF_TRY(std::vector<int32_t> ids, encode_prompt(text, add_special_tokens, *request->model));
  KERF_TRY(Prompt prompt, make_prompt(std::move(ids), request->options, *request->model));
  KERF_TRY(const bool echo, fields.boolean("echo", false));
  if (echo) return refuse("echo", "'echo' is for /v1/completions.");
  request->prompts.push_back(std::move(prompt));
  if (tools.choice.kind == ToolChoice::Kind::kAuto) {
    for (const std::string& mark : marks_of(request->model->tools)) {
      const std::optional<int32_t> id = request->model->tokenizer->id_of(mark);
      if (id && request->model->tokenizer->is_special(*id)) request->shown_special.emplace_back(*id, mark);
    }
  }
  request->format = make_chat_format(*request->model, request->options, std::move(tools.choice));
  return request;
}

}  // namespace kerf
