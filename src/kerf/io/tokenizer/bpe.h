// The "model" of a tokenizer.json of type BPE: byte-pair encoding (Sennrich et al. 2016,
// arXiv:1508.07909), over bytes (GPT-2, Llama 3, Qwen) or over characters with a fallback to bytes
// (SentencePiece: Llama 2, Mistral).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/json_node.h"
#include "kerf/io/tokenizer/merges.h"
#include "kerf/io/tokenizer/vocabulary.h"

namespace kerf {

// Threading: const methods may be called from any number of threads.
class Bpe {
 public:
  // What a series of words shares: memory, and the ids of words seen before.
  class Scratch;

  // Reads everything of `model` but "vocab", which `vocabulary` holds.
  // byte_level: see PreTokenizer::byte_level().
  static Result<Bpe> from_json(const JsonNode& model, std::shared_ptr<const Vocabulary> vocabulary, bool byte_level);

  // Appends the ids of `word`, in time O(n log n).
  void encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;

 private:
  static constexpr int32_t kNone = -1;
  explicit Bpe(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}
  Status read_merges(const JsonNode& merges);
  void read_bytes(bool byte_fallback);

  void encode_word(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const;
  // One id per byte or character of `word`.
  void to_symbols(std::string_view word, std::vector<int32_t>& symbols) const;
  [[nodiscard]] bool fall_back_to_bytes(std::string_view character, std::vector<int32_t>& symbols) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_ids_{};  // the token of a byte; kNone for none
  int32_t unknown_ = kNone;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
  bool byte_level_ = false;
  bool spaces_cut_ = false;  // no merge crosses from another character into a "▁", so words may be cut there
};

}  // namespace kerf
