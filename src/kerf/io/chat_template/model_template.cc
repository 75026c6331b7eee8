#include "kerf/io/chat_template/model_template.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace kerf {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Source {
  std::string text;
  std::string name;  // for errors
};

Result<std::string> read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("{}: cannot be read", path.string());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// An empty object when there is no such file.
Result<json> read_object(const fs::path& path) {
  if (!fs::exists(path)) return json::object();
  KERF_TRY(const std::string text, read_text(path));
  json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return fail("{}: not a JSON object", path.string());
  return parsed;
}

// The text of the template `name` in a list of {"name", "template"}, else of "default"; null when there is neither.
Result<const std::string*> pick(const json& list, std::string_view name, const std::string& file) {
  const std::string* fallback = nullptr;
  for (const json& entry : list) {
    const bool valid = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                       entry.contains("template") && entry["template"].is_string();
    if (!valid) return fail("{}: chat_template: each entry must have a name and a template", file);
    const auto& text = entry["template"].get_ref<const std::string&>();
    if (entry["name"] == name) return &text;
    if (entry["name"] == "default") fallback = &text;
  }
  return fallback;
}

// The field chat_template of `path`.
Result<std::optional<Source>> from_json_file(const fs::path& path, std::string_view name) {
  KERF_TRY(const json object, read_object(path));
  const auto field = object.find("chat_template");
  if (field == object.end() || field->is_null()) return std::optional<Source>();
  const std::string file = path.string();
  if (field->is_string()) return std::optional(Source{field->get<std::string>(), file + " chat_template"});
  if (!field->is_array()) return fail("{}: chat_template must be a string or a list", file);
  KERF_TRY(const std::string* text, pick(*field, name, file));
  if (text == nullptr) return fail("{}: chat_template has no template named '{}' or 'default'", file, name);
  return std::optional(Source{*text, file + " chat_template"});
}

Result<std::optional<Source>> find_source(const fs::path& dir, std::string_view name) {
  const fs::path named = dir / "additional_chat_templates" / (std::string(name) + ".jinja");
  const bool has_named = name.find('/') == std::string_view::npos && fs::is_regular_file(named);
  for (const fs::path& path : {has_named ? named : fs::path(), dir / "chat_template.jinja"}) {
    if (!fs::is_regular_file(path)) continue;
    KERF_TRY(std::string text, read_text(path));
    return std::optional(Source{std::move(text), path.string()});
  }
  KERF_TRY(auto source, from_json_file(dir / "chat_template.json", name));
  if (source) return source;
  return from_json_file(dir / "tokenizer_config.json", name);
}

// A special token is a string or an object with its "content".
Result<std::optional<std::string>> special_token(const json& config, const char* field, const fs::path& path) {
  const auto at = config.find(field);
  if (at == config.end() || at->is_null()) return std::optional<std::string>();
  if (at->is_string()) return std::optional(at->get<std::string>());
  if (at->is_object() && at->contains("content") && (*at)["content"].is_string()) {
    return std::optional((*at)["content"].get<std::string>());
  }
  return fail("{}: {} must be a string or an object with a string 'content'", path.string(), field);
}

}  // namespace

nlohmann::ordered_json ModelTemplate::context(nlohmann::ordered_json messages) const {
  nlohmann::ordered_json context;
  context["messages"] = std::move(messages);
  context["tools"] = nullptr;
  context["documents"] = nullptr;
  context["add_generation_prompt"] = true;
  if (bos_token) context["bos_token"] = *bos_token;
  if (eos_token) context["eos_token"] = *eos_token;
  if (pad_token) context["pad_token"] = *pad_token;
  if (unk_token) context["unk_token"] = *unk_token;
  return context;
}

Result<std::optional<ModelTemplate>> load_chat_template(const fs::path& model_dir, std::string_view name) {
  KERF_TRY(const auto source, find_source(model_dir, name));
  if (!source) return std::optional<ModelTemplate>();
  const fs::path config_path = model_dir / "tokenizer_config.json";
  KERF_TRY(const json config, read_object(config_path));
  KERF_TRY(ChatTemplate chat, ChatTemplate::parse(source->text, source->name));
  ModelTemplate model{std::move(chat), source->text, {}, {}, {}, {}};
  KERF_TRY(model.bos_token, special_token(config, "bos_token", config_path));
  KERF_TRY(model.eos_token, special_token(config, "eos_token", config_path));
  KERF_TRY(model.pad_token, special_token(config, "pad_token", config_path));
  KERF_TRY(model.unk_token, special_token(config, "unk_token", config_path));
  return std::optional(std::move(model));
}

}  // namespace kerf
