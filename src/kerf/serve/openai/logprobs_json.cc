#include "kerf/serve/openai/logprobs_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kerf/io/tokenizer/utf8.h"
#include "kerf/serve/openai/json_text.h"

namespace kerf {

namespace {

// vLLM's for a probability of 0: JSON has no infinity.
constexpr double kLeastLogprob = -9999.0;

void append_logprob(std::string& out, double logprob) { append_json_number(out, std::max(logprob, kLeastLogprob)); }

// "token": …, "logprob": …, "bytes": […]
void append_entry(std::string& out, const TokenLogprob& token, const Tokenizer& tokenizer, bool as_id) {
  out += "\"token\":";
  append_json_string(out, token_name(tokenizer, token.token, as_id));
  out += ",\"logprob\":";
  append_logprob(out, token.logprob);
  out += ",\"bytes\":[";
  const char* comma = "";
  for (const char byte : tokenizer.token_bytes(token.token)) {
    fmt::format_to(std::back_inserter(out), "{}{}", std::exchange(comma, ","), static_cast<unsigned char>(byte));
  }
  out += ']';
}

// Appends append(item) for every item, with commas between.
template <typename Items, typename Append>
void append_list(std::string& out, const Items& items, Append append) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!std::exchange(first, false)) out += ',';
    append(item);
  }
  out += ']';
}

void append_alternatives(std::string& out, const SampledToken& sampled, const Tokenizer& tokenizer, bool as_ids) {
  std::vector<TokenLogprob> all{{sampled.token, sampled.logprob}};
  std::ranges::remove_copy(sampled.top, std::back_inserter(all), sampled.token, &TokenLogprob::token);
  out += '{';
  for (const TokenLogprob& token : all) {
    if (&token != &all.front()) out += ',';
    append_json_string(out, token_name(tokenizer, token.token, as_ids));
    out += ':';
    append_logprob(out, token.logprob);
  }
  out += '}';
}

}  // namespace

std::string token_name(const Tokenizer& tokenizer, int32_t token, bool as_id) {
  if (as_id) return fmt::format("token_id:{}", token);
  const std::string bytes = tokenizer.token_bytes(token);
  if (valid_utf8_prefix(bytes) == bytes.size()) return bytes;
  std::string name;
  for (const char byte : bytes) fmt::format_to(std::back_inserter(name), "\\x{:02x}", static_cast<unsigned char>(byte));
  return name;
}

void append_chat_logprobs(std::string& out, const std::vector<ReportedToken>& tokens, const Tokenizer& tokenizer,
                          bool as_ids) {
  out += "{\"content\":";
  append_list(out, tokens, [&](const ReportedToken& token) {
    out += '{';
    append_entry(out, {token.sampled.token, token.sampled.logprob}, tokenizer, as_ids);
    out += ",\"top_logprobs\":";
    append_list(out, token.sampled.top, [&](const TokenLogprob& top) {
      out += '{';
      append_entry(out, top, tokenizer, as_ids);
      out += '}';
    });
    out += '}';
  });
  out += '}';
}

void append_completion_logprobs(std::string& out, const std::vector<ReportedToken>& tokens, const Tokenizer& tokenizer,
                                bool as_ids) {
  out += "{\"tokens\":";
  append_list(out, tokens, [&](const ReportedToken& token) {
    append_json_string(out, token_name(tokenizer, token.sampled.token, as_ids));
  });
  out += ",\"token_logprobs\":";
  append_list(out, tokens, [&](const ReportedToken& token) { append_logprob(out, token.sampled.logprob); });
  out += ",\"top_logprobs\":";
  append_list(out, tokens,
              [&](const ReportedToken& token) { append_alternatives(out, token.sampled, tokenizer, as_ids); });
  out += ",\"text_offset\":";
  append_list(out, tokens, [&](const ReportedToken& token) { out += std::to_string(token.text_offset); });
  out += '}';
}

}  // namespace kerf
