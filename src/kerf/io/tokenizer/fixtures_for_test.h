// Small tokenizers for the unit tests and the fuzzer, one of each family.
#pragma once

#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kerf/io/tokenizer/byte_alphabet.h"
#include "kerf/io/tokenizer/json_node.h"
#include "kerf/io/tokenizer/tokenizer.h"

namespace kerf::testing {

using nlohmann::json;

inline void append_token(json& vocab, const std::string& token) {
  if (!vocab.contains(token)) vocab[token] = vocab.size();
}

inline json model_of(json vocab, const std::vector<std::pair<std::string, std::string>>& merges) {
  json list = json::array();
  for (const auto& [left, right] : merges) {
    append_token(vocab, left + right);
    list.push_back(left + " " + right);
  }
  return {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(list)}};
}

// Byte-level like GPT-2: id b is the byte b, then come the merges' results from 256, then "<|end|>" (special),
// then "<tool>" (not special).
inline json byte_level_json() {
  json vocab = json::object();
  for (int byte = 0; byte < 256; ++byte) append_token(vocab, std::string(byte_symbol(static_cast<uint8_t>(byte))));
  json model = model_of(vocab, {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"}, {"Ġw", "o"}});
  const auto next = model["vocab"].size();
  return {{"added_tokens",
           {{{"id", next}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}},
            {{"id", next + 1}, {"content", "<tool>"}, {"special", false}, {"normalized", false}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", std::move(model)}};
}

// SentencePiece-style like Llama 2: <unk> <s> </s>, the 256 bytes from 3, then characters and merges.
inline json sentencepiece_json() {
  json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) append_token(vocab, fmt::format("<0x{:02X}>", byte));
  for (const char* token : {"▁", "a", "b", "c", "é"}) append_token(vocab, token);
  json model = model_of(vocab, {{"▁", "a"}, {"b", "c"}, {"▁a", "bc"}, {"▁", "▁"}});
  model.update({{"unk_token", "<unk>"}, {"fuse_unk", true}, {"byte_fallback", true}});
  json added = json::array();
  for (const auto& [id, content] : {std::pair(0, "<unk>"), {1, "<s>"}, {2, "</s>"}}) {
    added.push_back({{"id", id}, {"content", content}, {"special", true}, {"normalized", false}});
  }
  const auto replace = [](const char* from, const char* to) {
    return json{{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  return {{"added_tokens", std::move(added)},
          {"normalizer",
           {{"type", "Sequence"},
            {"normalizers", json::array({json{{"type", "Prepend"}, {"prepend", "▁"}}, replace(" ", "▁")})}}},
          {"pre_tokenizer", nullptr},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", json::array({json{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
                                    json{{"Sequence", {{"id", "A"}, {"type_id", 0}}}}})},
            {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {1}}}}}}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders", json::array({replace("▁", " "), json{{"type", "ByteFallback"}}, json{{"type", "Fuse"}},
                                      json{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}})}}},
          {"model", std::move(model)}};
}

// REQUIRES: it loads
inline std::unique_ptr<Tokenizer> tokenizer_of(const json& document, std::string_view config = "") {
  return Tokenizer::from_json(document.dump(), "tokenizer.json", config).value();
}

// What each id stands for.
inline std::vector<std::string> tokens_of(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::vector<std::string> tokens;
  for (const int32_t id : ids) tokens.push_back(tokenizer.token_bytes(id));
  return tokens;
}

}  // namespace kerf::testing
