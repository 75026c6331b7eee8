#include "kerf/io/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "kerf/io/tokenizer/bpe_pipeline.h"

namespace kerf {
namespace {

// "vocab": {"token": id, ...}
Result<std::shared_ptr<const Vocabulary>> read_vocabulary(const JsonNode& model) {
  KERF_TRY(const nlohmann::json* table, model["vocab"].object());
  std::vector<std::pair<int32_t, const std::string*>> tokens;
  tokens.reserve(table->size());
  int32_t size = 0;
  for (auto entry = table->begin(); entry != table->end(); ++entry) {
    if (!entry->is_number_unsigned() || entry->get<uint64_t>() >= kMaxTokenIds) {
      return model["vocab"].error(
          fmt::format("gives \"{}\" the id {}; ids run from 0 to {}", entry.key(), entry->dump(), kMaxTokenIds - 1));
    }
    tokens.emplace_back(entry->get<int32_t>(), &entry.key());
    size = std::max(size, tokens.back().first + 1);
  }
  auto vocabulary = std::make_shared<Vocabulary>(size);
  for (const auto& [id, token] : tokens) {
    if (vocabulary->contains(id)) {
      return model["vocab"].error(
          fmt::format("gives the id {} to both \"{}\" and \"{}\"", id, vocabulary->token(id), *token));
    }
    vocabulary->set(id, *token);
  }
  return std::shared_ptr<const Vocabulary>(std::move(vocabulary));
}

// "added_tokens", then those of tokenizer_config.json that it lacks. One that the model has too keeps the
// model's id.
Result<std::vector<AddedToken>> read_added_tokens(const JsonNode& node, const TokenizerConfig& config,
                                                  const Vocabulary& model) {
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> contents;
  std::unordered_set<int32_t> ids;
  if (node.present()) {
    KERF_TRY(const auto entries, node.elements());
    for (const JsonNode& entry : entries) {
      KERF_TRY(const int32_t id, entry["id"].token_id());
      KERF_TRY(AddedToken token, AddedToken::from_json(entry, id));
      token.id = model.find(token.content).value_or(id);
      if (token.content.empty() || !contents.insert(token.content).second) continue;
      if (!ids.insert(token.id).second) {
        return entry["id"].error(fmt::format("is {}, which another added token has", token.id));
      }
      tokens.push_back(std::move(token));
    }
  }
  for (const AddedToken& token : config.added_tokens) {
    if (!contents.contains(token.content) && !ids.contains(token.id) && !model.contains(token.id)) {
      tokens.push_back(token);
    }
  }
  return tokens;
}

Status check_model(const JsonNode& model) {
  KERF_TRY(const std::string type, model["type"].string_or("BPE"));
  if (type != "BPE") return model["type"].error(fmt::format("is \"{}\"; kerf reads BPE models only", type));
  return Ok{};
}

Status check_frame(const SequenceFrame& frame, const TokenTable& tokens, const JsonNode& post_processor) {
  for (const auto* ids : {&frame.before, &frame.after}) {
    for (const int32_t id : *ids) {
      if (!tokens.contains(id)) return post_processor.error(fmt::format("adds the id {}, which is no token", id));
    }
  }
  return Ok{};
}

// Those that are looked for in the text as it came.
AddedTokenSplitter raw_splitter(std::vector<AddedToken> tokens) {
  std::erase_if(tokens, [](const AddedToken& token) { return token.normalized; });
  return AddedTokenSplitter(std::move(tokens));
}

std::optional<int32_t> id_of(const std::optional<std::string>& token, const TokenTable& tokens) {
  return token ? tokens.find(*token) : std::nullopt;
}

}  // namespace

Result<TokenizerParts> parts_from_tokenizer_json(std::string_view json, std::string_view file,
                                                 const TokenizerConfig& config) {
  KERF_TRY(const nlohmann::json document, parse_json(json, file));
  const JsonNode root(document, file);
  const JsonNode model = root["model"];
  KERF_TRY_STATUS(model.object());
  KERF_TRY_STATUS(check_model(model));
  KERF_TRY(const std::shared_ptr<const Vocabulary> vocabulary, read_vocabulary(model));
  KERF_TRY(const std::vector<AddedToken> added, read_added_tokens(root["added_tokens"], config, *vocabulary));
  KERF_TRY(Normalizer normalizer, Normalizer::from_json(root["normalizer"]));
  KERF_TRY(PreTokenizer pre_tokenizer, PreTokenizer::from_json(root["pre_tokenizer"]));
  KERF_TRY(Bpe bpe, Bpe::from_json(model, vocabulary, pre_tokenizer.byte_level()));

  TokenizerParts parts;
  parts.tokens = TokenTable(vocabulary, added);
  parts.splitter = raw_splitter(added);
  KERF_TRY(parts.decoder, Decoder::from_json(root["decoder"]));
  KERF_TRY(parts.frame, frame_from_json(root["post_processor"]));
  KERF_TRY_STATUS(check_frame(parts.frame, parts.tokens, root["post_processor"]));
  parts.bos_id = id_of(config.bos_token, parts.tokens);
  parts.eos_id = id_of(config.eos_token, parts.tokens);
  apply_bos_eos(config, parts.bos_id, parts.eos_id, parts.frame);
  parts.encoder = std::make_unique<BpePipeline>(std::move(normalizer), added, std::move(pre_tokenizer), std::move(bpe));
  return parts;
}

}  // namespace kerf
