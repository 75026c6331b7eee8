// Models by name: catalog/models/*.json, each a list of {name, aliases, repository, source, quantization, formats,
// config}. quantization: how the checkpoint of this name is stored; formats: what endings of the name mean for this
// model.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "kerf/io/catalog/files.h"
#include "kerf/io/json.h"
#include "kerf/io/mapped_file.h"
#include "kerf/io/model_shape.h"
#include "kerf/io/model_shape/formats.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// NOLINTNEXTLINE(bugprone-exception-escape): nlohmann::json checks an invariant when it moves
struct Entry {
  std::string name;
  std::vector<std::string> keys;  // of the name and its aliases
  std::string where;
  std::string repository;    // of Hugging Face; empty = none
  std::string quantization;  // empty = as the config says
  nlohmann::json formats;    // {"fp8": "fp8_block"}
  nlohmann::json config;
};

// What names are compared by: lower case, no organisation in front, '_', ' ' and '-' alike.
std::string key_of(std::string_view name) {
  const size_t slash = name.find_last_of('/');
  std::string key(slash == std::string_view::npos ? name : name.substr(slash + 1));
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == ' ') c = '-';
  }
  if (key.starts_with("meta-")) key.erase(0, 5);
  return key;
}

Status read_entries(const std::string& file, std::vector<Entry>& entries) {
  KERF_TRY(const std::string text, read_catalog_file(file));
  KERF_TRY(const nlohmann::json models, parse_json(text, "catalog/" + file));
  if (!models.is_array()) return fail("catalog/{}: expected a list of models", file);
  for (const nlohmann::json& model : models) {
    KERF_TRY(const JsonFields fields, JsonFields::of(model, "catalog/" + file));
    Entry entry;
    KERF_TRY(entry.name, fields.string("name"));
    entry.where = fmt::format("catalog/{}: {}", file, entry.name);
    entry.keys.push_back(key_of(entry.name));
    if (const nlohmann::json* aliases = fields.find("aliases")) {
      for (const nlohmann::json& alias : *aliases) {
        if (!alias.is_string()) return fail("{}: 'aliases' holds {}; expected names", entry.where, describe(alias));
        entry.keys.push_back(key_of(alias.get<std::string>()));
      }
    }
    KERF_TRY_STATUS(fields.string("source"));  // every entry says where it is from
    KERF_TRY(entry.repository, fields.string("repository", ""));
    KERF_TRY(entry.quantization, fields.string("quantization", ""));
    if (fields.has("formats")) {
      KERF_TRY_STATUS(fields.object("formats"));
      entry.formats = model["formats"];
    }
    KERF_TRY_STATUS(fields.object("config"));
    entry.config = model["config"];
    entries.push_back(std::move(entry));
  }
  return Ok{};
}

Result<std::vector<Entry>> read_catalog_models() {
  KERF_TRY(const std::vector<std::string> files, list_catalog_files("models/"));
  std::vector<Entry> entries;
  for (const std::string& file : files) KERF_TRY_STATUS(read_entries(file, entries));
  return entries;
}

const Entry* find_entry(const std::vector<Entry>& entries, const std::string& key) {
  for (const Entry& entry : entries) {
    if (std::ranges::find(entry.keys, key) != entry.keys.end()) return &entry;
  }
  return nullptr;
}

// Parts of Hugging Face ids that change nothing in the shape, and endings that name a weight format.
constexpr std::array<std::string_view, 9> kTunings = {"-instruct", "-chat",     "-it",   "-hf",  "-base",
                                                      "-thinking", "-original", "-v0.1", "-v1.0"};
constexpr std::array<std::string_view, 18> kFormats = {
    "-fp8-dynamic",    "-gptq-int4", "-gptq-int8", "-awq-int4", "-bnb-4bit", "-quantized.w4a16",
    "-quantized.w8a8", "-fp8",       "-awq",       "-gptq",     "-int4",     "-int8",
    "-nvfp4",          "-fp4",       "-w4a16",     "-w8a8",     "-bf16",     "-fp16"};

struct Match {
  const Entry* entry = nullptr;
  std::string quantization;
};

bool is_date(std::string_view tail) {  // "-2507"
  return tail.size() == 5 && tail[0] == '-' &&
         std::ranges::all_of(tail.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

// Cuts the first ending that it finds; "" when there is none.
std::string_view cut_format(std::string& key) {
  for (const std::string_view format : kFormats) {
    if (!key.ends_with(format)) continue;
    key.resize(key.size() - format.size());
    return format.substr(1);
  }
  return {};
}

void cut_tuning(std::string& key) {
  for (const std::string_view tuning : kTunings) {
    const size_t at = key.find(tuning);
    if (at == std::string::npos) continue;
    if (at + tuning.size() == key.size() || key[at + tuning.size()] == '-') key.erase(at, tuning.size());
  }
  if (key.size() > 5 && is_date(std::string_view(key).substr(key.size() - 5))) key.resize(key.size() - 5);
}

// Cuts from the name until the catalogue knows what is left.
Match find_match(const std::vector<Entry>& entries, std::string key) {
  Match match;
  while (true) {
    match.entry = find_entry(entries, key);
    if (match.entry != nullptr) return match;
    const size_t before = key.size();
    const std::string_view format = cut_format(key);
    if (match.quantization.empty()) match.quantization = format;
    if (key.size() == before) cut_tuning(key);
    if (key.size() == before) return match;
  }
}

// What the model is stored in: as the name's ending says, or else the entry.
std::string quantization_of(const Match& match) {
  if (match.quantization.empty()) return match.entry->quantization;
  const nlohmann::json& formats = match.entry->formats;
  if (formats.contains(match.quantization) && formats[match.quantization].is_string()) {
    return formats[match.quantization].get<std::string>();
  }
  return match.quantization;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

Error unknown_model(const std::vector<Entry>& entries, const std::string& model) {
  const std::string key = key_of(model).substr(0, 200);
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const Entry& entry : entries) {
    size_t distance = SIZE_MAX;
    for (const std::string& known : entry.keys) distance = std::min(distance, edit_distance(key, known));
    near.emplace_back(distance, entry.name);
  }
  std::ranges::sort(near);
  std::vector<std::string_view> names;
  for (size_t i = 0; i < std::min<size_t>(3, near.size()); ++i) names.push_back(near[i].second);
  return fail(
      "model '{}': there is no such file or directory, and the catalogue knows no such name; the nearest are {}",
      shown(model), fmt::join(names, ", "));
}

Result<ModelShape> load_by_name(const std::string& model) {
  KERF_TRY(const std::vector<Entry> entries, read_catalog_models());
  const Match match = find_match(entries, key_of(model));
  if (match.entry == nullptr) return unknown_model(entries, model);
  KERF_TRY(ModelShape shape, parse_model_shape(match.entry->config.dump(), match.entry->where));
  shape.name = match.entry->name;
  // Another tuning, format or organisation is another repository: only the user can name that.
  if (model.find('/') == std::string::npos && key_of(model) == match.entry->keys.front()) {
    shape.repository = match.entry->repository;
  }
  const std::string quantization = quantization_of(match);
  if (!quantization.empty()) KERF_TRY_STATUS(apply_quantization(shape, quantization));
  return shape;
}

// "x_config.json" has "x_hf_quant_config.json" beside it.
fs::path modelopt_beside(const fs::path& config) {
  constexpr std::string_view kEnding = "config.json";
  std::string name = config.filename().string();
  if (name.ends_with(kEnding)) name.resize(name.size() - kEnding.size());
  return config.parent_path() / (name + "hf_quant_config.json");
}

Result<ModelShape> load_config(const fs::path& config, const std::string& name) {
  KERF_TRY(const MappedFile file, MappedFile::open(config));
  const fs::path quant_path = modelopt_beside(config);
  std::error_code ignored;
  ModelShape shape;
  if (fs::is_regular_file(quant_path, ignored)) {
    KERF_TRY(const MappedFile quant, MappedFile::open(quant_path));
    KERF_TRY(shape, parse_model_shape(file.text(), config.string(), quant.text()));
  } else {
    KERF_TRY(shape, parse_model_shape(file.text(), config.string()));
  }
  shape.name = name;
  return shape;
}

std::string directory_name(const fs::path& dir) {
  std::error_code error;
  const fs::path whole = fs::canonical(dir, error);
  return error ? dir.filename().string() : whole.filename().string();
}

}  // namespace

Result<ModelShape> load_model_shape(const std::string& model) {
  const fs::path path(model);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    if (!fs::exists(path / "config.json", ignored)) {
      return fail("{}: there is no config.json; expected a Hugging Face model directory", model);
    }
    return load_config(path / "config.json", directory_name(path));
  }
  if (fs::exists(path, ignored)) {
    const bool plain = path.filename() == "config.json";
    return load_config(
        path, plain ? directory_name(path.parent_path().empty() ? "." : path.parent_path()) : path.stem().string());
  }
  return load_by_name(model);
}

Result<std::vector<std::string>> model_names() {
  KERF_TRY(const std::vector<Entry> entries, read_catalog_models());
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  std::ranges::sort(names);
  return names;
}

}  // namespace kerf
