#include "kerf/io/tokenizer/bpe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "kerf/io/tokenizer/bpe_scratch.h"
#include "kerf/io/tokenizer/byte_alphabet.h"
#include "kerf/io/tokenizer/utf8.h"

namespace kerf {
namespace {

constexpr std::string_view kSpaceMark = "▁";  // SentencePiece's space

// The two halves of one entry of "merges": "a b" or ["a", "b"]; empty when it is neither.
std::pair<std::string_view, std::string_view> halves_of(const nlohmann::json& entry) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
    return {entry[0].get_ref<const std::string&>(), entry[1].get_ref<const std::string&>()};
  }
  if (!entry.is_string()) return {};
  const std::string_view text = entry.get_ref<const std::string&>();
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) return {};
  return {text.substr(0, space), text.substr(space + 1)};
}

Status refuse_affix(const JsonNode& node) {
  KERF_TRY(const std::string affix, node.string_or(""));
  if (!affix.empty()) return node.error(fmt::format("is \"{}\"; kerf reads only models without one", affix));
  return Ok{};
}

}  // namespace

Result<Bpe> Bpe::from_json(const JsonNode& model, std::shared_ptr<const Vocabulary> vocabulary, bool byte_level) {
  KERF_TRY_STATUS(refuse_affix(model["continuing_subword_prefix"]));
  KERF_TRY_STATUS(refuse_affix(model["end_of_word_suffix"]));
  Bpe bpe(std::move(vocabulary));
  bpe.byte_level_ = byte_level;
  KERF_TRY(bpe.fuse_unknown_, model["fuse_unk"].boolean_or(false));
  KERF_TRY(bpe.ignore_merges_, model["ignore_merges"].boolean_or(false));
  KERF_TRY(const bool byte_fallback, model["byte_fallback"].boolean_or(false));
  bpe.read_bytes(byte_fallback);
  if (model["unk_token"].present()) {
    KERF_TRY(const std::string unknown, model["unk_token"].string());
    const auto id = bpe.vocabulary_->find(unknown);
    if (!id) return model["unk_token"].error(fmt::format("is \"{}\", which model.vocab lacks", unknown));
    bpe.unknown_ = *id;
  }
  KERF_TRY_STATUS(bpe.read_merges(model["merges"]));
  return bpe;
}

Status Bpe::read_merges(const JsonNode& merges) {
  KERF_TRY(const nlohmann::json* list, merges.array());
  merges_ = MergeTable(list->size());
  spaces_cut_ = !byte_level_ && !ignore_merges_ && vocabulary_->find(kSpaceMark).has_value();
  uint32_t rank = 0;
  std::string joined;
  for (const nlohmann::json& entry : *list) {
    const auto [left, right] = halves_of(entry);
    const auto complain = [&](std::string_view what) { return merges.error(fmt::format("[{}] {}", rank, what)); };
    if (left.empty() || right.empty()) return complain("must be two tokens, as \"a b\" or [\"a\", \"b\"]");
    joined.assign(left).append(right);
    const auto left_id = vocabulary_->find(left);
    const auto right_id = vocabulary_->find(right);
    const auto result = vocabulary_->find(joined);
    if (!left_id || !right_id || !result) {
      const std::string_view unknown = !left_id ? left : !right_id ? right : joined;
      return complain(fmt::format("names the token \"{}\", which model.vocab lacks", unknown));
    }
    merges_.set(*left_id, *right_id, {rank++, *result});
    if (right.starts_with(kSpaceMark) && !left.ends_with(kSpaceMark)) spaces_cut_ = false;
  }
  return Ok{};
}

void Bpe::read_bytes(bool byte_fallback) {
  for (int byte = 0; byte < 256; ++byte) {
    std::optional<int32_t> id;
    if (byte_level_) {
      id = vocabulary_->find(byte_symbol(static_cast<uint8_t>(byte)));
    } else if (byte_fallback) {
      id = vocabulary_->find(fmt::format("<0x{:02X}>", byte));
    }
    byte_ids_[static_cast<size_t>(byte)] = id.value_or(kNone);
  }
}

void Bpe::encode(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  while (!word.empty()) {
    size_t length = word.size();
    if (spaces_cut_) {  // a run of marks stays together, with what follows it
      size_t mark = 0;
      while (word.substr(mark).starts_with(kSpaceMark)) mark += kSpaceMark.size();
      length = std::min(length, word.find(kSpaceMark, mark));
    }
    encode_word(word.substr(0, length), scratch, ids);
    word.remove_prefix(length);
  }
}

void Bpe::encode_word(std::string_view word, Scratch& scratch, std::vector<int32_t>& ids) const {
  if (const auto* known = scratch.find(word)) {
    ids.insert(ids.end(), known->begin(), known->end());
    return;
  }
  std::vector<int32_t>& symbols = scratch.symbols;
  symbols.clear();
  std::optional<int32_t> whole;
  if (ignore_merges_) whole = byte_level_ ? vocabulary_->find(to_byte_symbols(word)) : vocabulary_->find(word);
  if (whole) {
    symbols.push_back(*whole);
  } else {
    to_symbols(word, symbols);
    merge_symbols(merges_, scratch.work, symbols);
  }
  scratch.remember(word, symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void Bpe::to_symbols(std::string_view word, std::vector<int32_t>& symbols) const {
  bool after_unknown = false;
  while (!word.empty()) {
    const std::string_view character = word.substr(0, byte_level_ ? 1 : first_utf8(word).length);
    word.remove_prefix(character.size());
    bool known = true;
    if (const auto id = byte_level_ ? std::nullopt : vocabulary_->find(character)) {
      symbols.push_back(*id);
    } else {
      known = fall_back_to_bytes(character, symbols);
    }
    if (!known && unknown_ != kNone && !(after_unknown && fuse_unknown_)) symbols.push_back(unknown_);
    after_unknown = !known;
  }
}

bool Bpe::fall_back_to_bytes(std::string_view character, std::vector<int32_t>& symbols) const {
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
  if (std::any_of(character.begin(), character.end(), [&](char byte) { return id_of(byte) == kNone; })) return false;
  std::transform(character.begin(), character.end(), std::back_inserter(symbols), id_of);
  return true;
}

}  // namespace kerf
