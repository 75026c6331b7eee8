// tokenizer.json, the format of the Hugging Face tokenizers library.
#pragma once

#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/tokenizer/tokenizer_config.h"
#include "kerf/io/tokenizer/tokenizer_parts.h"

namespace kerf {

// `json` is the text of `file`. Fails with one sentence that names the file and the field.
Result<TokenizerParts> parts_from_tokenizer_json(std::string_view json, std::string_view file,
                                                 const TokenizerConfig& config);

}  // namespace kerf
