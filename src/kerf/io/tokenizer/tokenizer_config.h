// tokenizer_config.json: what a model directory says beside its tokenizer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/added_tokens.h"
#include "kerf/io/tokenizer/post_processor.h"

namespace kerf {

struct TokenizerConfig {
  std::optional<std::string> bos_token, eos_token;
  std::optional<bool> add_bos_token, add_eos_token;  // unset: the tokenizer decides
  bool legacy = true;                                // SentencePiece: a space also after every special token
  std::vector<AddedToken> added_tokens;              // "added_tokens_decoder"

  // "" is a configuration that says nothing.
  static Result<TokenizerConfig> from_json(std::string_view json, std::string_view file);
};

// Makes `frame` begin with BOS and end with EOS, or not, where the configuration says so.
void apply_bos_eos(const TokenizerConfig& config, std::optional<int32_t> bos, std::optional<int32_t> eos,
                   SequenceFrame& frame);

}  // namespace kerf
