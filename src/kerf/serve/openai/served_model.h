// ServedModel: what the API knows of the model that it serves.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kerf/io/chat_template/model_template.h"
#include "kerf/io/generation_config.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

// How a model writes its calls of tools, by vLLM's names of parsers.
enum class ToolFormat : uint8_t {
  kNone,
  kHermes,   // <tool_call>{"name": …, "arguments": {…}}</tool_call>
  kLlama3,   // {"name": …, "parameters": {…}}, the whole answer
  kMistral,  // [TOOL_CALLS][{"name": …, "arguments": {…}}, …]
};

// Immutable while it is served.
struct ServedModel {
  std::vector<std::string> names;  // --served-model-name; the first is the one that answers give
  std::string root;                // the directory
  int64_t created = 0;             // seconds since 1970
  std::string fingerprint;         // of the weights; answers' system_fingerprint

  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<ModelTemplate> chat;  // none: no chat completions
  ToolFormat tools = ToolFormat::kNone;
  GenerationDefaults defaults;

  int64_t vocab_size = 0;           // ids of prompts are below
  int64_t max_model_len = 0;        // tokens of prompt and output together
  int64_t longest_token_bytes = 0;  // of any token's text
};

}  // namespace kerf
