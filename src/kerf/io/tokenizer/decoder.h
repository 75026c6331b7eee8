// The "decoder" of a tokenizer.json, in the form that streams: a chain applied to each token by
// itself, and what is cut off the two ends of the joined text.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"

namespace kerf {

// Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace. After a stage that joins the tokens
// (Fuse, ByteLevel) only Strip and a further Fuse can follow, for nothing else works on a stream.
// Threading: const methods may be called from any number of threads.
class Decoder {
 public:
  // How many of one character are cut off an end of the text.
  struct Trim {
    std::string character;  // UTF-8
    size_t count = 0;
  };

  // An absent node is the decoder that puts a space between tokens, as the Hugging Face library does.
  static Result<Decoder> from_json(const JsonNode& node);

  // What SentencePiece does: "▁" is a space, "<0x41>" a byte, and one leading space goes if it put one there.
  static Decoder sentencepiece(bool strips_leading_space);

  // The bytes of one token; `first` says that no token came before it. They may be part of a character.
  [[nodiscard]] std::string bytes_of(std::string_view token, bool first) const;

  [[nodiscard]] const Trim& trim_start() const { return trim_start_; }
  [[nodiscard]] const Trim& trim_end() const { return trim_end_; }

 private:
  // Changes a token's text; returns true when it is now raw bytes, which later steps leave alone.
  using Step = std::function<bool(std::string& token, bool first)>;
  Status add(const JsonNode& node);
  Status add_strip(const JsonNode& node);
  Status add_metaspace(const JsonNode& node);

  std::vector<Step> steps_;
  bool joined_ = false;  // a stage that joins the tokens has been added
  Trim trim_start_, trim_end_;
};

}  // namespace kerf
