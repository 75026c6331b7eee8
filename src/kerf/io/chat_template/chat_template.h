// Chat templates: the Jinja that models ship to turn a conversation into a prompt, rendered as
// Hugging Face transformers renders it (Jinja2's ImmutableSandboxedEnvironment with trim_blocks,
// lstrip_blocks, the loopcontrols extension, {% generation %}, and transformers' tojson,
// raise_exception and strftime_now).
//
// A template is an untrusted program. It sees only its context, cannot change it, and runs within
// TemplateLimits; whatever it does, render() returns a text or one clear error.
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "kerf/base/result.h"
#include "kerf/io/chat_template/limits.h"

namespace kerf {

namespace jinja {
struct Program;
}

class ChatTemplate {
 public:
  // What strftime_now() formats.
  using Clock = std::function<std::tm()>;
  static std::tm local_time();

  // `name` appears in errors: "<name>:<line>: <what is wrong>".
  static Result<ChatTemplate> parse(std::string_view source, std::string_view name);

  // context: a JSON object of the template's variables. transformers always passes `messages`,
  // `tools` and `documents` (null when there are none) and `add_generation_prompt`, the special
  // tokens of the tokenizer that exist (`bos_token`, `eos_token`, …), and the caller's extras such
  // as `enable_thinking`. The template's mistakes, its raise_exception() and the limits are errors.
  // Threads may render one template at the same time.
  [[nodiscard]] Result<std::string> render(const nlohmann::ordered_json& context, const TemplateLimits& limits = {},
                                           const Clock& clock = local_time) const;

 private:
  ChatTemplate(std::shared_ptr<const jinja::Program> program, std::string name);

  std::shared_ptr<const jinja::Program> program_;
  std::string name_;
};

}  // namespace kerf
