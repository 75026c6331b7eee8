// What a Tokenizer is made of. Internal to kerf/io/tokenizer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kerf/io/tokenizer/added_tokens.h"
#include "kerf/io/tokenizer/decoder.h"
#include "kerf/io/tokenizer/post_processor.h"
#include "kerf/io/tokenizer/token_table.h"

namespace kerf {

// Ids out of the stretches of text between added tokens. Threading: encode() from any number of threads.
class SegmentEncoder {
 public:
  virtual ~SegmentEncoder() = default;
  // Appends the ids of all `segments`, which make up one text of the user's.
  virtual void encode(std::span<const Segment> segments, bool parse_special, std::vector<int32_t>& ids) const = 0;
};

struct TokenizerParts {
  TokenTable tokens;
  AddedTokenSplitter splitter;  // of the added tokens that are looked for in the text as it came
  std::unique_ptr<const SegmentEncoder> encoder;
  SequenceFrame frame;
  Decoder decoder;
  std::optional<int32_t> bos_id, eos_id;
};

}  // namespace kerf
