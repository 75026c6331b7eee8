// What a grammar costs: compiling typical schemas, and for each token of a document the set of tokens that may come
// next and the step to the token that did:
//   grammar_bench MODEL_DIRECTORY ...
// "first": the states are met for the first time; "again": as the second sequence of the same grammar finds them.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kerf/io/grammar/matcher.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace {

// Time of this thread on a core: others on the machine do not count.
double now_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
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
    const auto start = now_us();
    const bool allowed = matcher.allowed(masks).contains(id);
    const std::string_view bytes = masks.trie().bytes_of(id);
    const bool taken = matcher.advance(bytes) == bytes.size();
    times.push_back(now_us() - start);
    if (!allowed || !taken) {
      std::printf("token %d ('%s') does not match\n", id, std::string(bytes).c_str());
      break;
    }
  }
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  return {sum / static_cast<double>(times.size()), *std::max_element(times.begin(), times.end())};
}

// Of every rest of the document the longest token that it begins with: no tokenizer's ways with a text's first space.
std::vector<int32_t> longest_tokens(const kerf::TokenTrie& trie, std::string_view document) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (int32_t id = 0; id < static_cast<int32_t>(trie.num_ids()); ++id) ids.emplace(trie.bytes_of(id), id);
  std::vector<int32_t> tokens;
  while (!document.empty()) {
    size_t length = std::min(document.size(), trie.longest());
    while (length > 1 && !ids.contains(document.substr(0, length))) --length;
    tokens.push_back(ids.at(document.substr(0, length)));
    document.remove_prefix(length);
  }
  return tokens;
}

void measure(const std::shared_ptr<const kerf::TokenTrie>& trie, const Case& c) {
  const auto start = now_us();
  auto grammar = kerf::compile_grammar(c.grammar);
  const double compile_us = now_us() - start;
  if (!grammar.ok()) {
    std::printf("%s\n", grammar.error().message.c_str());
    return;
  }
  const size_t states = grammar->num_states();
  kerf::TokenMasks masks(std::make_shared<const kerf::Grammar>(std::move(grammar).value()), trie);
  const std::vector<int32_t> ids = longest_tokens(*trie, c.document);
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
    const auto start = now_us();
    const auto trie = std::make_shared<const kerf::TokenTrie>(kerf::TokenTrie::of(**tokenizer));
    std::printf("%s: %zu tokens, trie of %zu nodes in %.0f ms\n", argv[i], trie->num_ids(), trie->nodes().size(),
                (now_us() - start) / 1000);
    for (const Case& c : kCases) measure(trie, c);
  }
  return 0;
}
