#include "kerf/apps/chat.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "kerf/apps/generate.h"
#include "kerf/io/chat_template/chat_template.h"
#include "kerf/io/chat_template/model_template.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf {

namespace {

// A prompt is shown to a person only; the launcher says when its own standard input is a terminal.
bool stdin_is_terminal() {
  const char* told = std::getenv("KERF_STDIN_TERMINAL");
  return (told != nullptr && std::string_view(told) == "1") || isatty(STDIN_FILENO) == 1;
}

class Conversation {
 public:
  Conversation(const Tokenizer& tokenizer, std::optional<ModelTemplate> chat, const std::string& system)
      : tokenizer_(tokenizer), template_(std::move(chat)), messages_(nlohmann::ordered_json::array()) {
    if (!system.empty()) messages_.push_back({{"role", "system"}, {"content", system}});
  }

  [[nodiscard]] bool has_template() const { return template_.has_value(); }

  // The ids of the conversation so far and the user's next turn, ready for the answer.
  Result<std::vector<int32_t>> ask(const std::string& line) {
    if (!template_) return tokenizer_.encode(line);
    messages_.push_back({{"role", "user"}, {"content", line}});
    KERF_TRY(const std::string prompt, template_->chat.render(template_->context(messages_)));
    return tokenizer_.encode(prompt, {.add_special_tokens = false});
  }

  void answer(const std::string& text) { messages_.push_back({{"role", "assistant"}, {"content", text}}); }

 private:
  const Tokenizer& tokenizer_;
  std::optional<ModelTemplate> template_;
  nlohmann::ordered_json messages_;
};

}  // namespace

Status run_chat(Job& job, const SamplingParams& params, const std::string& system) {
  KERF_TRY(const auto tokenizer, Tokenizer::load(job.dir));
  KERF_TRY(auto chat, load_chat_template(job.dir));
  Conversation conversation(*tokenizer, std::move(chat), system);
  const bool person = stdin_is_terminal();
  if (person && !conversation.has_template()) {
    fmt::print(stderr, "This model has no chat template: it continues each line as plain text. /exit ends.\n");
  }
  std::string line;
  while (true) {
    if (person) fmt::print(stderr, "> ");
    if (!std::getline(std::cin, line) || line == "/exit") break;
    if (line.empty()) continue;
    KERF_TRY(std::vector<int32_t> ids, conversation.ask(line));
    KERF_TRY(const std::vector<Generation> generations,
             generate(job.engine, tokenizer.get(), {std::move(ids)}, params, [](size_t, std::string_view text) {
               fmt::print("{}", text);
               std::fflush(stdout);
             }));
    fmt::print("\n");
    if (std::fflush(stdout) != 0) return fail("cannot write to standard output");
    conversation.answer(generations.front().text);
  }
  if (person) fmt::print(stderr, "\n");
  (void)job.finish();
  return Ok{};
}

}  // namespace kerf
