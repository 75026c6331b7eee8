#include "kerf/io/tokenizer/bpe_pipeline.h"

#include <deque>
#include <string>
#include <utility>

#include "kerf/io/tokenizer/bpe_scratch.h"

namespace kerf {
namespace {

AddedTokenSplitter normalized_splitter(const std::vector<AddedToken>& added, const Normalizer& normalizer) {
  std::vector<AddedToken> normalized;
  for (AddedToken token : added) {
    if (!token.normalized) continue;
    token.content = normalizer.apply(token.content);
    normalized.push_back(std::move(token));
  }
  return AddedTokenSplitter(std::move(normalized));
}

}  // namespace

BpePipeline::BpePipeline(Normalizer normalizer, const std::vector<AddedToken>& added, PreTokenizer pre_tokenizer,
                         Bpe bpe)
    : normalizer_(std::move(normalizer)),
      splitter_(normalized_splitter(added, normalizer_)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      bpe_(std::move(bpe)) {}

void BpePipeline::encode(std::span<const Segment> segments, bool parse_special, std::vector<int32_t>& ids) const {
  size_t text_bytes = 0;
  for (const Segment& segment : segments) text_bytes += segment.text.size();
  std::deque<std::string> normal_texts;  // what the scratch and the pieces view
  std::deque<Pieces> words;
  Bpe::Scratch scratch(text_bytes);
  for (const Segment& segment : segments) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
      continue;
    }
    const bool first = &segment == segments.data();
    const std::string& normal = normal_texts.emplace_back(normalizer_.apply(segment.text));
    for (const Segment& part : splitter_.split(normal, parse_special)) {
      if (part.id >= 0) {
        ids.push_back(part.id);
        continue;
      }
      const bool at_start = first && part.text.data() == normal.data();
      for (const Piece& word : words.emplace_back(pre_tokenizer_.apply({part.text, at_start})).list) {
        bpe_.encode(word.text, scratch, ids);
      }
    }
  }
}

}  // namespace kerf
