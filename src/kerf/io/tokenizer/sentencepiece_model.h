// tokenizer.model, through libsentencepiece: for directories that have no tokenizer.json.
#pragma once

#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/tokenizer_config.h"
#include "kerf/io/tokenizer/tokenizer_parts.h"

namespace kerf {

// `model` is the content of `file`. BOS goes before a text unless the configuration says no, as Llama
// and Mistral have it; ill-formed UTF-8 becomes U+FFFD, as libsentencepiece has it.
Result<TokenizerParts> parts_from_sentencepiece(const std::string& model, std::string_view file,
                                                const TokenizerConfig& config);

}  // namespace kerf
