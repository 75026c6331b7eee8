// PreparedRequest: a request that has been read and turned into token ids, and how to answer it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/serve/openai/answer_format.h"
#include "kerf/serve/openai/api_result.h"
#include "kerf/serve/openai/generation_options.h"
#include "kerf/serve/openai/served_model.h"

namespace kerf {

struct Prompt {
  std::vector<int32_t> ids;
  Detokenizer detokenizer;  // has seen ids
  int64_t max_tokens = 0;   // 0: the answer is the echo alone
  std::string echo;         // text that goes before the answer
};

struct PreparedRequest {
  std::shared_ptr<const ServedModel> model;
  GenerationOptions options;
  std::vector<Prompt> prompts;  // each is answered options.n times: choice i is of prompt i / n
  std::vector<std::pair<int32_t, std::string>>
      shown_special;                     // special tokens that mark calls of tools, and their text
  std::unique_ptr<AnswerFormat> format;  // refers to model and options
};

// Pure: may run on any thread. A body takes time by its length, a chat's by its template too.
using Preparation = ApiResult<std::unique_ptr<PreparedRequest>>;
[[nodiscard]] Preparation prepare_completion(std::string_view body, std::shared_ptr<const ServedModel> model);
[[nodiscard]] Preparation prepare_chat(std::string_view body, std::shared_ptr<const ServedModel> model);

// What both begin with: the model that is asked for, and the options of both.
[[nodiscard]] Preparation begin_request(const Fields& body, std::shared_ptr<const ServedModel> model);

// Refuses ids that leave no room for an answer. param: the field at fault.
[[nodiscard]] ApiResult<Prompt> make_prompt(std::vector<int32_t> ids, const GenerationOptions& options,
                                            const ServedModel& model);

// The text's ids; refuses, before the work, a text that cannot fit the model's context.
[[nodiscard]] ApiResult<std::vector<int32_t>> encode_prompt(std::string_view text, bool add_special_tokens,
                                                            const ServedModel& model);

}  // namespace kerf
