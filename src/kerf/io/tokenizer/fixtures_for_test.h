// Small tokenizers for the unit tests and the fuzzer, one of each family.
#pragma once

#include <fmt/format.h>

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
    list.push_back(fmt::format("{} {}", left, right));
  }
  json model;
  model["type"] = "BPE";
  model["vocab"] = std::move(vocab);
  model["merges"] = std::move(list);
  return model;
}

// Byte-level like GPT-2: id b is the byte b, then come the merges' results from 256, then 262 "<|end|>" (special)
// and 263 "<tool>" (not special).
inline json byte_level_json() {
  json document = json::parse(R"({
    "added_tokens": [{"id": 262, "content": "<|end|>", "special": true, "normalized": false},
                     {"id": 263, "content": "<tool>", "special": false, "normalized": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"}})");
  json vocab = json::object();
  for (int byte = 0; byte < 256; ++byte) append_token(vocab, std::string(byte_symbol(static_cast<uint8_t>(byte))));
  document["model"] =
      model_of(std::move(vocab), {{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"}, {"Ġw", "o"}});
  return document;
}

// SentencePiece-style like Llama 2: <unk> <s> </s>, the 256 bytes from 3, then "▁" 259, "a", "b", "c", "é" 263,
// and the merges' results from 264.
inline json sentencepiece_json() {
  json document = json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true, "normalized": false},
                     {"id": 1, "content": "<s>", "special": true, "normalized": false},
                     {"id": 2, "content": "</s>", "special": true, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "pre_tokenizer": null,
    "post_processor": {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}})");
  json vocab = json::parse(R"({"<unk>": 0, "<s>": 1, "</s>": 2})");
  for (int byte = 0; byte < 256; ++byte) append_token(vocab, fmt::format("<0x{:02X}>", byte));
  for (const char* token : {"▁", "a", "b", "c", "é"}) append_token(vocab, token);
  json& model = document["model"] = model_of(std::move(vocab), {{"▁", "a"}, {"b", "c"}, {"▁a", "bc"}, {"▁", "▁"}});
  model["unk_token"] = "<unk>";
  model["fuse_unk"] = true;
  model["byte_fallback"] = true;
  return document;
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
