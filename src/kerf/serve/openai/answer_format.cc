#include "kerf/serve/openai/answer_format.h"

#include <fmt/format.h>

#include <chrono>

#include "kerf/serve/openai/json_text.h"
#include "kerf/serve/openai/random.h"

namespace kerf {

namespace {

int64_t seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

std::string usage_json(const Usage& usage) {
  return fmt::format(
      R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}}}})",
      usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens + usage.completion_tokens, usage.cached_tokens);
}

std::string new_answer_id(std::string_view prefix) {
  return fmt::format("{}{:016x}{:016x}", prefix, random_bits(), random_bits());
}

AnswerFormat::AnswerFormat(const Names& names, const ServedModel& model, const GenerationOptions& options)
    : model_(model),
      options_(options),
      id_(new_answer_id(names.id_prefix)),
      created_(seconds_since_1970()),
      names_(names),
      event_opening_("data: " + opening(names.stream_object)) {}

std::string AnswerFormat::opening(std::string_view object) const {
  std::string out = fmt::format(R"({{"id":"{}","object":"{}","created":{},"model":)", id_, object, created_);
  append_json_string(out, model_.names.front());
  out += ",\"system_fingerprint\":";
  append_json_string(out, model_.fingerprint);
  return out + ",\"choices\":[";
}

void AnswerFormat::close_event(std::string& out, const Usage& usage) const {
  out += ']';
  if (options_.continuous_usage) {
    out += ",\"usage\":" + usage_json(usage);
  } else if (options_.include_usage) {
    out += ",\"usage\":null";
  }
  out += "}\n\n";
}

void AnswerFormat::append_end(std::string& out, const Usage& usage) const {
  if (options_.include_usage) out += event_opening_ + "],\"usage\":" + usage_json(usage) + "}\n\n";
  out += "data: [DONE]\n\n";
}

std::string AnswerFormat::whole(const std::vector<AnswerPiece>& choices, const Usage& usage) {
  std::string out = opening(names_.object);
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += ',';
    append_whole_choice(out, i, choices[i]);
  }
  return out + "],\"usage\":" + usage_json(usage) + "}";
}

void AnswerFormat::append_finish_reason(std::string& out, const AnswerPiece& piece) {
  out += "\"finish_reason\":";
  if (!piece.finish) {
    out += "null";
    return;
  }
  out += '"';
  out += name_of(*piece.finish);
  out += '"';
}

void AnswerFormat::append_stop_reason(std::string& out, const AnswerPiece& piece) {
  out += "\"stop_reason\":";
  if (const auto* text = std::get_if<std::string>(&piece.stop_reason)) {
    append_json_string(out, *text);
  } else if (const auto* token = std::get_if<int32_t>(&piece.stop_reason)) {
    out += std::to_string(*token);
  } else {
    out += "null";
  }
}

}  // namespace kerf
