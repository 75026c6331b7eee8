#include "kerf/io/tokenizer/tokenizer_config.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

// "<s>", {"content": "<s>", ...} or null
Result<std::optional<std::string>> token_from_json(const JsonNode& node) {
  if (!node.present()) return std::optional<std::string>{};
  KERF_TRY(std::string text, node.is_object() ? node["content"].string() : node.string());
  return std::optional<std::string>{std::move(text)};
}

Result<std::optional<bool>> flag_from_json(const JsonNode& node) {
  if (!node.present()) return std::optional<bool>{};
  KERF_TRY(const bool flag, node.boolean_or(false));
  return std::optional<bool>{flag};
}

Result<std::vector<AddedToken>> added_tokens_from_json(const JsonNode& node) {
  std::vector<AddedToken> tokens;
  if (!node.present()) return tokens;
  KERF_TRY(const nlohmann::json* table, node.object());
  for (const auto& [key, value] : table->items()) {
    int32_t id = -1;
    const char* end = key.data() + key.size();
    const auto parsed = std::from_chars(key.data(), end, id);
    if (parsed.ptr != end || parsed.ec != std::errc{} || id < 0 || id >= kMaxTokenIds) {
      return node.error(fmt::format("has the key \"{}\", which is no token id", key));
    }
    KERF_TRY(AddedToken token, AddedToken::from_json(node[key], id));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

}  // namespace

Result<TokenizerConfig> TokenizerConfig::from_json(std::string_view json, std::string_view file) {
  TokenizerConfig config;
  if (json.empty()) return config;
  KERF_TRY(const nlohmann::json document, parse_json(json, file));
  const JsonNode root(document, file);
  KERF_TRY_STATUS(root.object());
  KERF_TRY(config.bos_token, token_from_json(root["bos_token"]));
  KERF_TRY(config.eos_token, token_from_json(root["eos_token"]));
  KERF_TRY(config.add_bos_token, flag_from_json(root["add_bos_token"]));
  KERF_TRY(config.add_eos_token, flag_from_json(root["add_eos_token"]));
  KERF_TRY(config.legacy, root["legacy"].boolean_or(true));
  KERF_TRY(config.added_tokens, added_tokens_from_json(root["added_tokens_decoder"]));
  return config;
}

void apply_bos_eos(const TokenizerConfig& config, std::optional<int32_t> bos, std::optional<int32_t> eos,
                   SequenceFrame& frame) {
  auto& [before, after] = frame;
  if (bos && config.add_bos_token) {
    const bool there = !before.empty() && before.front() == *bos;
    if (*config.add_bos_token && !there) before.insert(before.begin(), *bos);
    if (!*config.add_bos_token && there) before.erase(before.begin());
  }
  if (eos && config.add_eos_token) {
    const bool there = !after.empty() && after.back() == *eos;
    if (*config.add_eos_token && !there) after.push_back(*eos);
    if (!*config.add_eos_token && there) after.pop_back();
  }
}

}  // namespace kerf
