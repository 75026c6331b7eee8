// What a grammar costs: compiling typical schemas, and for each token of a document the set of tokens that may come
// next and the step to the token that did:
//   grammar_bench MODEL_DIRECTORY ...
// "first": the states are met for the first time; "again": as the second sequence of the same grammar finds them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kerf/io/grammar/matcher.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct Case {
  const char* name;
  const char* grammar;
  const char* document;
};

constexpr const char* kDocument =
    R"({"name": "Ada Lovelace", "age": 36, "email": "ada@example.org", "address": {"street": "12 St James's Square", )"
    R"("city": "London"}, "tags": ["mathematics", "poetry", "engines"], "notes": "She wrote the first programme, )"
    R"(for a machine that was never built; \"the Analytical Engine weaves algebraical patterns\"."})";

constexpr Case kCases[] = {
    {"json", "json", kDocument},
    {"schema", R"(schema:{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer",
       "minimum": 0, "maximum": 150}, "email": {"type": "string", "format": "email"}, "address": {"type": "object",
       "properties": {"street": {"type": "string"}, "city": {"type": "string"}}, "required": ["street", "city"]},
       "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5}, "notes": {"type": "string"}},
       "required": ["name", "age", "address", "tags", "notes"], "additionalProperties": false})",
     kDocument},
    {"counted", R"(schema:{"type": "object", "properties": {"name": {"type": "string", "maxLength": 40},
       "age": {"type": "integer"}, "email": {"type": "string", "maxLength": 60}, "address": {"type": "object",
       "properties": {"street": {"type": "string", "maxLength": 80}, "city": {"type": "string", "maxLength": 80}}},
       "tags": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 20}},
       "notes": {"type": "string", "maxLength": 400}}})",
     kDocument},
};

struct Times {
  double mean_us, most_us;
};

Times follow(const std::vector<int32_t>& ids, kerf::TokenMasks& masks) {
  kerf::GrammarMatcher matcher(masks.grammar());
  std::vector<double> times;
  for (const int32_t id : ids) {
    const auto start = Clock::now();
    const bool allowed = matcher.allowed(masks).contains(id);
    const std::string_view bytes = masks.trie().bytes_of(id);
    const bool taken = matcher.advance(bytes) == bytes.size();
    times.push_back(microseconds_since(start));
    if (!allowed || !taken) {
      std::printf("token %d ('%s') does not match\n", id, std::string(bytes).c_str());
      break;
    }
  }
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  return {sum / static_cast<double>(times.size()), *std::max_element(times.begin(), times.end())};
}

void measure(const kerf::Tokenizer& tokenizer, const std::shared_ptr<const kerf::TokenTrie>& trie, const Case& c) {
  const auto start = Clock::now();
  auto grammar = kerf::compile_grammar(c.grammar);
  const double compile_us = microseconds_since(start);
  if (!grammar.ok()) {
    std::printf("%s\n", grammar.error().message.c_str());
    return;
  }
  const size_t states = grammar->num_states();
  kerf::TokenMasks masks(std::make_shared<const kerf::Grammar>(std::move(grammar).value()), trie);
  const std::vector<int32_t> ids = tokenizer.encode(c.document, {.add_special_tokens = false});
  const Times first = follow(ids, masks);
  const Times again = follow(ids, masks);
  std::printf(
      "  %-8s %6zu states, compiled in %7.0f us; %zu tokens: first %7.1f us each, %7.0f at most; "
      "again %6.1f us each, %6.0f at most\n",
      c.name, states, compile_us, ids.size(), first.mean_us, first.most_us, again.mean_us, again.most_us);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const auto tokenizer = kerf::Tokenizer::load(argv[i]);
    if (!tokenizer.ok()) {
      std::printf("%s\n", tokenizer.error().message.c_str());
      return 1;
    }
    const auto start = Clock::now();
    const auto trie = std::make_shared<const kerf::TokenTrie>(kerf::TokenTrie::of(**tokenizer));
    std::printf("%s: %zu tokens, trie of %zu nodes in %.0f ms\n", argv[i], trie->num_ids(), trie->nodes().size(),
                microseconds_since(start) / 1000);
    for (const Case& c : kCases) measure(**tokenizer, trie, c);
  }
  return 0;
}
