#include "kerf/io/tokenizer/tokenizer.h"

#include <fstream>
#include <utility>

#include "kerf/io/tokenizer/detokenizer.h"
#include "kerf/io/tokenizer/sentencepiece_model.h"
#include "kerf/io/tokenizer/tokenizer_config.h"
#include "kerf/io/tokenizer/tokenizer_json.h"
#include "kerf/io/tokenizer/tokenizer_parts.h"

namespace kerf {
namespace {

constexpr uintmax_t kMaxFileBytes = uintmax_t{1} << 28;  // eight times the largest known (Gemma's, 33 MB)

Result<std::string> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return fail("{}: cannot be read ({})", path.string(), error.message());
  if (bytes > kMaxFileBytes) return fail("{}: has {} bytes, more than any tokenizer", path.string(), bytes);
  std::ifstream in(path, std::ios::binary);
  std::string text(bytes, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(bytes))) return fail("{}: cannot be read", path.string());
  return text;
}

Result<std::unique_ptr<Tokenizer>> assemble(Result<TokenizerParts> parts) {
  if (!parts.ok()) return parts.error();
  return std::make_unique<Tokenizer>(std::move(parts).value());
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> Tokenizer::load(const std::filesystem::path& model_dir) {
  const std::filesystem::path config_path = model_dir / "tokenizer_config.json";
  std::string config_json;
  if (std::filesystem::exists(config_path)) {
    KERF_TRY(config_json, read_file(config_path));
  }
  KERF_TRY(const TokenizerConfig config, TokenizerConfig::from_json(config_json, config_path.string()));

  const std::filesystem::path json_path = model_dir / "tokenizer.json";
  if (std::filesystem::exists(json_path)) {
    KERF_TRY(const std::string json, read_file(json_path));
    return assemble(parts_from_tokenizer_json(json, json_path.string(), config));
  }
  const std::filesystem::path model_path = model_dir / "tokenizer.model";
  if (std::filesystem::exists(model_path)) {
    KERF_TRY(const std::string model, read_file(model_path));
    return assemble(parts_from_sentencepiece(model, model_path.string(), config));
  }
  return fail("{}: holds neither tokenizer.json nor tokenizer.model; download one of them with the model",
              model_dir.string());
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::from_json(std::string_view json, std::string_view file,
                                                        std::string_view config_json) {
  KERF_TRY(const TokenizerConfig config, TokenizerConfig::from_json(config_json, "tokenizer_config.json"));
  return assemble(parts_from_tokenizer_json(json, file, config));
}

Tokenizer::Tokenizer(TokenizerParts parts) : parts_(std::make_unique<const TokenizerParts>(std::move(parts))) {}
Tokenizer::~Tokenizer() = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<int32_t> ids;
  const auto& [before, after] = parts_->frame;
  if (options.add_special_tokens) ids = before;
  parts_->encoder->encode(parts_->splitter.split(text, options.parse_special), options.parse_special, ids);
  if (options.add_special_tokens) ids.insert(ids.end(), after.begin(), after.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  Detokenizer stream(*this, skip_special_tokens);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text += stream.flush();
}

int32_t Tokenizer::vocab_size() const { return parts_->tokens.size(); }
std::optional<int32_t> Tokenizer::bos_id() const { return parts_->bos_id; }
std::optional<int32_t> Tokenizer::eos_id() const { return parts_->eos_id; }

bool Tokenizer::is_special(int32_t id) const { return parts_->tokens.is_special(id); }

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const { return parts_->tokens.find(token); }

std::string Tokenizer::token_bytes(int32_t id) const {
  if (!parts_->tokens.contains(id)) return "";
  return parts_->decoder.bytes_of(parts_->tokens.token(id), false);
}

}  // namespace kerf
