#define PCRE2_CODE_UNIT_WIDTH 8
#include "kerf/io/tokenizer/pattern.h"

#include <pcre2.h>

#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

// Longer than any real expression (Kimi's has 600 bytes); bounds the time to compile.
constexpr size_t kMaxExpressionBytes = 16384;
// Steps of one match. Real expressions take a few per character of the longest run of white space;
// one that backtracks exponentially stops within some tens of milliseconds.
constexpr uint32_t kMatchLimit = 10'000'000;
constexpr uint32_t kHeapLimitKib = 65536;

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

Result<Pattern> Pattern::from_json(const JsonNode& node) {
  if (node["String"].present()) {
    KERF_TRY(const std::string text, node["String"].string());
    return literal(text);
  }
  if (!node["Regex"].present()) return node.error(R"(must be {"String": "..."} or {"Regex": "..."})");
  KERF_TRY(const std::string expression, node["Regex"].string());
  auto compiled = regex(expression);
  if (!compiled.ok()) return node["Regex"].error(compiled.error().message);
  return compiled;
}

Result<Pattern> Pattern::regex(std::string_view expression) {
  if (expression.size() > kMaxExpressionBytes) {
    return fail("is longer than {} bytes, as no real expression is", kMaxExpressionBytes);
  }
  int error = 0;
  size_t offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) return fail("does not compile: {} at byte {}", message_of(error), offset);
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it fails, matching interprets
  Pattern pattern;
  pattern.code_ = {code, [](pcre2_code* owned) { pcre2_code_free(owned); }};
  return pattern;
}

Pattern Pattern::literal(std::string_view text) {
  Pattern pattern;
  pattern.literal_ = text;
  return pattern;
}

std::vector<Pattern::Match> Pattern::find_all(std::string_view subject) const {
  std::vector<Match> matches;
  if (code_ == nullptr) {
    find_literal(subject, matches);
    return matches;
  }
  for_each_utf8_run(subject, [&](std::string_view run, bool valid) {
    if (valid) find_regex(run, static_cast<size_t>(run.data() - subject.data()), matches);
  });
  return matches;
}

void Pattern::find_literal(std::string_view subject, std::vector<Match>& matches) const {
  if (literal_.empty()) return;
  for (size_t at = subject.find(literal_); at != std::string_view::npos; at = subject.find(literal_, at)) {
    matches.push_back({at, at + literal_.size()});
    at += literal_.size();
  }
}

void Pattern::find_regex(std::string_view subject, size_t offset, std::vector<Match>& matches) const {
  const std::unique_ptr<pcre2_match_data, FreeMatchData> data(pcre2_match_data_create(1, nullptr));
  const std::unique_ptr<pcre2_match_context, FreeMatchContext> limits(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(limits.get(), kMatchLimit);
  pcre2_set_heap_limit(limits.get(), kHeapLimitKib);
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const auto search = [&](size_t from, uint32_t options) {
    return pcre2_match(code_.get(), text, subject.size(), from, PCRE2_NO_UTF_CHECK | options, data.get(), limits.get());
  };
  size_t from = 0;
  size_t last_end = std::string_view::npos;
  while (from <= subject.size()) {
    int found = search(from, 0);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = search(from, PCRE2_NO_JIT);
    if (found < 0) return;
    const size_t* bounds = pcre2_get_ovector_pointer(data.get());
    const Match match{bounds[0], bounds[1]};
    if (match.begin < from || match.end < match.begin) return;  // \K inside a lookaround can do that
    const bool empty = match.begin == match.end;
    // An empty match is none right after another match, and the search goes on a character later.
    if (!empty || match.begin != last_end) matches.push_back({offset + match.begin, offset + match.end});
    last_end = match.end;
    from = match.end;
    if (empty) from += from < subject.size() ? first_utf8(subject.substr(from)).length : 1;
  }
}

std::string Pattern::replace_all(std::string_view subject, std::string_view replacement) const {
  std::string result;
  result.reserve(subject.size());
  size_t copied = 0;
  for (const Match& match : find_all(subject)) {
    result += subject.substr(copied, match.begin - copied);
    result += replacement;
    copied = match.end;
  }
  return result += subject.substr(copied);
}

}  // namespace kerf
