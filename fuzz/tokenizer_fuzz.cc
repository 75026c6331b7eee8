// Any tokenizer.json either loads or is refused in a sentence, and one that loads encodes any text and
// decodes any ids. The input serves twice: as a tokenizer.json, a zero byte and a text; and as a list of
// edits to a small tokenizer, which stays valid JSON and so gets further.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/io/tokenizer/fixtures_for_test.h"
#include "kerf/io/tokenizer/tokenizer.h"
#include "kerf/io/tokenizer/utf8.h"

namespace {

using nlohmann::json;

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

// Deals out the input, byte by byte, then zeros.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  size_t below(size_t limit) {
    if (rest_.empty() || limit == 0) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte % limit;
  }

 private:
  std::string_view rest_;
};

// A value somewhere inside `document`.
json& somewhere(json& document, Bytes& bytes) {
  json* value = &document;
  while (value->is_structured() && !value->empty() && bytes.below(8) != 0) {
    auto child = value->begin();
    std::advance(child, bytes.below(value->size()));
    value = &*child;
  }
  return *value;
}

void edit(json& document, Bytes& bytes) {
  static const json kValues =
      json::parse(R"json([null, true, false, -1, 0, 1, 300, 1048576, 1.5, 1e300, "", " ", "▁", "a", "he",
      "<0x41>", "[a-z]+|(?=b)", "(a|aa)+$", [], {}, {"String": "l"}, {"Regex": "\\s|x*"}, {"type": "Fuse"},
      {"type": "Digits"}, {"type": "NFKD"}, {"type": "Metaspace"}, {"type": "ByteLevel"}])json");
  json& target = somewhere(document, bytes);
  switch (bytes.below(4)) {
    case 0: target = kValues[bytes.below(kValues.size())]; break;
    case 1: target = json(somewhere(document, bytes)); break;
    case 2:
      if (target.is_array()) target.push_back(json(somewhere(document, bytes)));
      break;
    default:
      if (target.is_structured() && !target.empty()) {
        auto child = target.begin();
        std::advance(child, bytes.below(target.size()));
        target.erase(child);
      }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const std::string_view text = end == std::string_view::npos ? "" : input.substr(end + 1);
  const auto as_json = kerf::Tokenizer::from_json(input.substr(0, end), "tokenizer.json");
  if (as_json.ok()) check(**as_json, text);

  Bytes bytes(input.substr(0, 64));
  json document = bytes.below(2) == 0 ? kerf::testing::byte_level_json() : kerf::testing::sentencepiece_json();
  for (size_t edits = 1 + bytes.below(4); edits > 0 && !bytes.empty(); --edits) edit(document, bytes);
  const auto edited = kerf::Tokenizer::from_json(document.dump(), "tokenizer.json");
  if (edited.ok()) check(**edited, input.substr(input.size() - std::min<size_t>(input.size(), 200)));
  return 0;
}
