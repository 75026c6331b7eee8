// Any bytes as a JSON Schema, a zero byte, and bytes that choose a way: what compiles never gets stuck, agrees with
// itself about tokens and bytes, and gives JSON.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/check.h"
#include "kerf/io/grammar/json_schema.h"
#include "kerf/io/grammar/matcher.h"
#include "kerf/io/tokenizer/utf8.h"

namespace {

std::shared_ptr<const kerf::TokenTrie> vocabulary() {
  static const auto trie = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* text :
         {"{\"", "\":", "\",\"", "\"}", "]}", "},{", "true", "12", "aa", "a\",\"a\":\"", "\\u00", "é"}) {
      tokens.emplace_back(text);
    }
    return std::make_shared<const kerf::TokenTrie>(std::move(tokens));
  }();
  return trie;
}

void walk(const std::shared_ptr<const kerf::Grammar>& grammar, std::string_view choices) {
  kerf::TokenMasks masks(grammar, vocabulary());
  kerf::GrammarMatcher matcher(grammar);
  std::string text;
  for (const char choice : choices) {
    if (matcher.num_readings() > 16) break;  // a token's bytes could double them past kMaxReadings; see there
    std::vector<int32_t> ids;
    matcher.allowed(masks).for_each([&](int32_t id) { ids.push_back(id); });
    KERF_CHECK(!ids.empty() || matcher.complete(), "a text that cannot end");
    for (int32_t id = 256; id < static_cast<int32_t>(vocabulary()->num_ids()); ++id) {
      kerf::GrammarMatcher copy = matcher;
      const std::string_view bytes = vocabulary()->bytes_of(id);
      KERF_CHECK((copy.advance(bytes) == bytes.size()) == matcher.allowed(masks).contains(id),
                 "masks and bytes disagree");
    }
    if (ids.empty()) break;
    const std::string_view bytes = vocabulary()->bytes_of(ids[static_cast<uint8_t>(choice) % ids.size()]);
    KERF_CHECK(matcher.advance(bytes) == bytes.size(), "an allowed token is not taken");
    text += bytes;
  }
  KERF_CHECK(!matcher.complete() || nlohmann::json::accept(text), "a whole text that is no JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  auto grammar = kerf::compile_json_schema(input.substr(0, end));
  if (!grammar.ok()) {
    KERF_CHECK(!grammar.error().message.empty());
    return 0;
  }
  const std::string_view rest = end == std::string_view::npos ? input : input.substr(end + 1);
  const auto shared = std::make_shared<const kerf::Grammar>(std::move(grammar).value());
  walk(shared, rest.substr(0, 100));
  kerf::GrammarMatcher matcher(shared);
  KERF_CHECK(matcher.advance(rest) <= rest.size());
  return 0;
}
