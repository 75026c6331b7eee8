// Log-probabilities of tokens, in the shapes of both APIs.
#pragma once

#include <string>
#include <vector>

#include "kerf/io/tokenizer/tokenizer.h"
#include "kerf/serve/openai/choice.h"

namespace kerf {

// A token's text as these shapes give it: bytes that are no whole characters as "\xe6\x97", or "token_id:5".
[[nodiscard]] std::string token_name(const Tokenizer& tokenizer, int32_t token, bool as_id);

// Chat: {"content": [{"token", "logprob", "bytes", "top_logprobs": [{"token", "logprob", "bytes"}, …]}, …]}
void append_chat_logprobs(std::string& out, const std::vector<ReportedToken>& tokens, const Tokenizer& tokenizer,
                          bool as_ids);

// Completions: {"tokens", "token_logprobs", "top_logprobs": [{token: logprob, …}, …], "text_offset"}, where
// top_logprobs hold the chosen token too.
void append_completion_logprobs(std::string& out, const std::vector<ReportedToken>& tokens, const Tokenizer& tokenizer,
                                bool as_ids);

}  // namespace kerf
