#include "kerf/io/tokenizer/decoder.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "kerf/io/tokenizer/byte_alphabet.h"
#include "kerf/io/tokenizer/pattern.h"
#include "kerf/io/tokenizer/pre_tokenizer.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

// "<0x41>" is the byte 0x41; other tokens are none.
bool byte_fallback(std::string& token, bool /*first*/) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return false;
  uint8_t byte = 0;
  const char* end = token.data() + 5;
  if (std::from_chars(token.data() + 3, end, byte, 16).ptr != end) return false;
  token.assign(1, static_cast<char>(byte));
  return true;
}

bool byte_level(std::string& token, bool /*first*/) {
  std::optional<std::string> bytes = from_byte_symbols(token);
  if (bytes) token = *std::move(bytes);  // an added token outside the alphabet stands for itself
  return true;
}

// Removes up to `trim.count` of the character at the start or end.
void strip_start(std::string& token, const Decoder::Trim& trim) {
  for (size_t i = 0; i < trim.count && token.starts_with(trim.character); ++i) token.erase(0, trim.character.size());
}
void strip_end(std::string& token, const Decoder::Trim& trim) {
  for (size_t i = 0; i < trim.count && token.ends_with(trim.character); ++i) {
    token.erase(token.size() - trim.character.size());
  }
}

}  // namespace

Result<Decoder> Decoder::from_json(const JsonNode& node) {
  Decoder decoder;
  if (node.present()) {
    KERF_TRY_STATUS(decoder.add(node));
  } else {
    decoder.steps_.emplace_back([](std::string& token, bool first) {
      if (!first) token.insert(0, 1, ' ');
      return false;
    });
  }
  return decoder;
}

Decoder Decoder::sentencepiece(bool strips_leading_space) {
  Decoder decoder;
  decoder.steps_.emplace_back([mark = Pattern::literal("▁")](std::string& token, bool /*first*/) {
    token = mark.replace_all(token, " ");
    return false;
  });
  decoder.steps_.emplace_back(byte_fallback);
  decoder.trim_start_ = {" ", strips_leading_space ? size_t{1} : 0};
  return decoder;
}

Status Decoder::add(const JsonNode& node) {
  KERF_TRY(const std::string type, node["type"].string());
  if (type == "Sequence") {
    KERF_TRY(const auto children, node["decoders"].elements());
    for (const JsonNode& child : children) KERF_TRY_STATUS(add(child));
    return Ok{};
  }
  if (type == "Fuse") {
    joined_ = true;
    return Ok{};
  }
  if (type == "Strip") return add_strip(node);
  if (joined_) return node.error(fmt::format("({}) follows a decoder that joins the tokens; only Strip may", type));
  if (type == "ByteLevel") {
    steps_.emplace_back(byte_level);
    joined_ = true;
  } else if (type == "ByteFallback") {
    steps_.emplace_back(byte_fallback);
  } else if (type == "Replace") {
    KERF_TRY(const Pattern pattern, Pattern::from_json(node["pattern"]));
    KERF_TRY(const std::string content, node["content"].string());
    steps_.emplace_back([pattern, content](std::string& token, bool /*first*/) {
      token = pattern.replace_all(token, content);
      return false;
    });
  } else if (type == "Metaspace") {
    return add_metaspace(node);
  } else {
    return node.error(fmt::format(
        "is a \"{}\"; kerf knows Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip and Metaspace", type));
  }
  return Ok{};
}

Status Decoder::add_strip(const JsonNode& node) {
  KERF_TRY(const std::string character, node["content"].string());
  KERF_TRY(const size_t start, node["start"].count());
  KERF_TRY(const size_t stop, node["stop"].count());
  const bool one = !character.empty() && first_utf8(character).length == character.size();
  if (!one) return node["content"].error("must be one character");
  if (!joined_) {
    steps_.emplace_back(
        [from_start = Trim{character, start}, from_end = Trim{character, stop}](std::string& token, bool) {
          strip_start(token, from_start);
          strip_end(token, from_end);
          return false;
        });
    return Ok{};
  }
  if (trim_start_.count + trim_end_.count > 0) return node.error("(Strip) is the second one on the joined text");
  trim_start_ = {character, start};
  trim_end_ = {character, stop};
  return Ok{};
}

Status Decoder::add_metaspace(const JsonNode& node) {
  KERF_TRY(const std::string mark, node["replacement"].string_or("▁"));
  KERF_TRY(const std::string scheme, metaspace_prepend_scheme(node));
  steps_.emplace_back([marks = Pattern::literal(mark), drops = scheme != "never"](std::string& token, bool first) {
    token = marks.replace_all(token, first && drops ? "" : " ");
    return false;
  });
  return Ok{};
}

std::string Decoder::bytes_of(std::string_view token, bool first) const {
  std::string text(token);
  for (const Step& step : steps_) {
    if (step(text, first)) break;
  }
  return text;
}

}  // namespace kerf
