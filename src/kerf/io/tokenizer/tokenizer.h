// Text to ids and back, as the Hugging Face tokenizer of the same directory does it.
//
// Reads tokenizer.json (byte-level and SentencePiece-style BPE), or tokenizer.model through
// libsentencepiece where there is no tokenizer.json, and tokenizer_config.json beside either.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"

namespace kerf {

struct TokenizerParts;

struct EncodeOptions {
  bool add_special_tokens = true;  // BOS, EOS, ... as the model wants them around a text
  bool parse_special = true;       // "<|im_end|>" in the text is the control token, not ten characters
};

// Threading: const methods may be called from any number of threads.
class Tokenizer {
 public:
  // The tokenizer of a model directory.
  static Result<std::unique_ptr<Tokenizer>> load(const std::filesystem::path& model_dir);

  // The same from memory: the text of a tokenizer.json and of a tokenizer_config.json ("": none). `file` is the
  // name that complaints give the former.
  static Result<std::unique_ptr<Tokenizer>> from_json(std::string_view json, std::string_view file,
                                                      std::string_view config_json = "");

  explicit Tokenizer(TokenizerParts parts);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Takes any bytes: what is not UTF-8 becomes byte tokens where the vocabulary has them.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;

  // Valid UTF-8, whatever the ids; those that are no token add nothing.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const;

  // One more than the largest id that has a token. (A model's embedding may have more rows.)
  [[nodiscard]] int32_t vocab_size() const;
  [[nodiscard]] std::optional<int32_t> bos_id() const;
  [[nodiscard]] std::optional<int32_t> eos_id() const;
  [[nodiscard]] bool is_special(int32_t id) const;

  // By the text in the vocabulary ("Ġthe", "▁the", "<0x0A>", "<|im_end|>").
  [[nodiscard]] std::optional<int32_t> id_of(std::string_view token) const;

  // What a token adds inside a text (" the", "\n"): perhaps a part of a character. "" for ids that are no token.
  [[nodiscard]] std::string token_bytes(int32_t id) const;

  // For Detokenizer.
  [[nodiscard]] const TokenizerParts& parts() const { return *parts_; }

 private:
  std::unique_ptr<const TokenizerParts> parts_;
};

}  // namespace kerf
