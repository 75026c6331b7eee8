// A tokenizer.json's way from text to ids: normalise, cut out the added tokens that are looked for in
// normal form, cut into words, encode each word.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kerf/io/tokenizer/added_tokens.h"
#include "kerf/io/tokenizer/bpe.h"
#include "kerf/io/tokenizer/normalizer.h"
#include "kerf/io/tokenizer/pre_tokenizer.h"
#include "kerf/io/tokenizer/tokenizer_parts.h"

namespace kerf {

class BpePipeline : public SegmentEncoder {
 public:
  // Of `added`, those with `normalized` set are this stage's.
  BpePipeline(Normalizer normalizer, const std::vector<AddedToken>& added, PreTokenizer pre_tokenizer, Bpe bpe);

  void encode(std::span<const Segment> segments, bool parse_special, std::vector<int32_t>& ids) const override;

 private:
  Normalizer normalizer_;
  AddedTokenSplitter splitter_;
  PreTokenizer pre_tokenizer_;
  Bpe bpe_;
};

}  // namespace kerf
