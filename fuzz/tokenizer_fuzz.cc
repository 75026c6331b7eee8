// Any tokenizer.json either loads or is refused in a sentence, and one that loads encodes any text and
// decodes any ids. Input: a tokenizer.json, a zero byte, a text.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/io/tokenizer/tokenizer.h"
#include "kerf/io/tokenizer/utf8.h"

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

void check(const kerf::Tokenizer& tokenizer, std::string_view text) {
  for (const bool flag : {true, false}) {
    std::vector<int32_t> ids = tokenizer.encode(text, {.add_special_tokens = flag, .parse_special = flag});
    for (const int32_t id : ids) require(id >= 0 && id < tokenizer.vocab_size(), "encode yields only tokens");
    for (const char byte : text) ids.push_back(byte * 7 - 100);
    const std::string whole = tokenizer.decode(ids, flag);
    require(kerf::valid_utf8_prefix(whole) == whole.size(), "decode yields UTF-8");
    kerf::Detokenizer stream(tokenizer, flag);
    std::string streamed;
    for (const int32_t id : ids) {
      const std::string shown = stream.push(id);
      require(kerf::valid_utf8_prefix(shown) == shown.size(), "a stream shows whole characters");
      streamed += shown;
    }
    require(streamed + stream.flush() == whole, "the stream is the whole");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const auto tokenizer = kerf::Tokenizer::from_json(input.substr(0, end), "tokenizer.json");
  if (tokenizer.ok()) check(**tokenizer, end == std::string_view::npos ? "" : input.substr(end + 1));
  return 0;
}
