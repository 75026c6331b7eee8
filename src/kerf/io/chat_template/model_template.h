// The chat template of a Hugging Face model directory, and the special tokens that it prints.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "kerf/io/chat_template/chat_template.h"

namespace kerf {

struct ModelTemplate {
  ChatTemplate chat;
  std::string source;  // its text
  // tokenizer_config.json's tokens, for the context; none where the file has none.
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  std::optional<std::string> pad_token;
  std::optional<std::string> unk_token;

  // What transformers passes to render(): these messages, no tools and no documents, an answer to be begun.
  [[nodiscard]] nlohmann::ordered_json context(nlohmann::ordered_json messages) const;
};

// From chat_template.jinja, else chat_template.json, else tokenizer_config.json. The latter two may
// hold one template or a list of named ones: `name` is taken, or "default" when `name` is not there.
// (chat_template.jinja stands for "default"; further names are additional_chat_templates/<name>.jinja.)
// nullopt when the model has no chat template. Errors: a file that is not JSON, a field of a wrong
// type, a template that does not parse.
[[nodiscard]] Result<std::optional<ModelTemplate>> load_chat_template(const std::filesystem::path& model_dir,
                                                                      std::string_view name = "default");

}  // namespace kerf
