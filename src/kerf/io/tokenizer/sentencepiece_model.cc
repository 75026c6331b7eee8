#include "kerf/io/tokenizer/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kerf {
namespace {

using sentencepiece::SentencePieceProcessor;

constexpr std::string_view kSpaceMark = "▁";  // how a piece writes a space

// libsentencepiece encodes whole texts, slowly (1 MB takes seconds). Where no piece reaches from another
// character into a space, the words of a text can be encoded one by one, and each of them once.
class SentencePieceEncoder : public SegmentEncoder {
 public:
  struct Processors {
    std::unique_ptr<SentencePieceProcessor> with_prefix, bare;  // bare adds no space before a text
  };
  // `prefix_inside`: a space goes before every segment, not only before the text.
  SentencePieceEncoder(Processors processors, bool prefix_inside)
      : processors_(std::move(processors)), prefix_inside_(prefix_inside), spaces_cut_(spaces_cut(*processors_.bare)) {}

  void encode(std::span<const Segment> segments, bool /*parse_special*/, std::vector<int32_t>& ids) const override {
    Words words;
    for (const Segment& segment : segments) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
        continue;
      }
      const bool prefix = prefix_inside_ || &segment == segments.data();
      size_t cut = next_cut(segment.text);
      encode_part(prefix ? *processors_.with_prefix : *processors_.bare, segment.text.substr(0, cut), ids);
      for (std::string_view rest = segment.text.substr(cut); !rest.empty(); rest.remove_prefix(cut)) {
        cut = next_cut(rest);
        auto [word, is_new] = words.try_emplace(rest.substr(0, cut));
        if (is_new) encode_part(*processors_.bare, word->first, word->second);
        ids.insert(ids.end(), word->second.begin(), word->second.end());
      }
    }
  }

 private:
  using Words = std::unordered_map<std::string_view, std::vector<int32_t>>;

  // Where the second word of `text`, with the spaces before it, begins. A "▁" in the text is a space too.
  [[nodiscard]] size_t next_cut(std::string_view text) const {
    if (!spaces_cut_) return text.size();
    for (size_t space = text.find(' ', 1); space != std::string_view::npos; space = text.find(' ', space + 1)) {
      const std::string_view before = text.substr(0, space);
      if (!before.ends_with(' ') && !before.ends_with(kSpaceMark)) return space;
    }
    return text.size();
  }

  // It fails only for a model that did not load.
  static void encode_part(const SentencePieceProcessor& processor, std::string_view text, std::vector<int32_t>& ids) {
    std::vector<int> part;
    if (processor.Encode(text, &part).ok()) ids.insert(ids.end(), part.begin(), part.end());
  }

  static bool spaces_cut(const SentencePieceProcessor& bare) {
    for (int id = 0; id < bare.GetPieceSize(); ++id) {
      const std::string_view piece = bare.IdToPiece(id);
      size_t letters = 0;
      while (piece.substr(letters).starts_with(kSpaceMark)) letters += kSpaceMark.size();
      if (piece.find(kSpaceMark, letters) != std::string_view::npos || piece.find(' ') != std::string_view::npos) {
        return false;
      }
    }
    // Spaces stay as they are: none is removed at the ends or where there are several.
    std::vector<std::string> pieces;
    std::string text;
    if (!bare.Encode("  a  b  ", &pieces).ok()) return false;
    for (const std::string& piece : pieces) text += piece;
    return text == "▁▁a▁▁b▁▁";
  }

  Processors processors_;
  bool prefix_inside_;
  bool spaces_cut_;
};

Result<std::unique_ptr<SentencePieceProcessor>> load_processor(const std::string& model, std::string_view file) {
  auto processor = std::make_unique<SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto(model);
  if (!status.ok()) return fail("{}: not a SentencePiece model ({})", file, status.ToString());
  if (processor->GetPieceSize() <= 0) return fail("{}: a SentencePiece model without pieces", file);
  if (processor->GetPieceSize() > kMaxTokenIds) {
    return fail("{}: has {} pieces, more than any tokenizer", file, processor->GetPieceSize());
  }
  return processor;
}

// The same model with normalizer_spec.add_dummy_prefix = false. A protobuf message is merged from what
// comes later in its bytes: field 3 of ModelProto {field 3 of NormalizerSpec = 0}.
std::string without_dummy_prefix(const std::string& model) { return model + std::string("\x1A\x02\x18\x00", 4); }

bool adds_dummy_prefix(const SentencePieceProcessor& processor) {
  std::vector<int> ids;
  if (!processor.Encode("a", &ids).ok() || ids.empty()) return false;
  return processor.IdToPiece(ids.front()).starts_with(kSpaceMark);
}

// Control and unknown pieces, which a text never yields by itself, are recognised in it like the
// special tokens of a tokenizer.json.
std::vector<AddedToken> control_tokens(const SentencePieceProcessor& processor, const TokenizerConfig& config) {
  std::vector<AddedToken> tokens;
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    if (!processor.IsControl(id) && !processor.IsUnknown(id)) continue;
    AddedToken token;
    token.content = processor.IdToPiece(id);
    token.id = id;
    token.special = true;
    tokens.push_back(std::move(token));
  }
  tokens.insert(tokens.end(), config.added_tokens.begin(), config.added_tokens.end());
  return tokens;
}

// The token the configuration names, or the model's own.
std::optional<int32_t> special_id(const std::optional<std::string>& name, int of_model, const TokenTable& tokens) {
  if (name) return tokens.find(*name);
  return of_model >= 0 ? std::optional<int32_t>(of_model) : std::nullopt;
}

}  // namespace

Result<TokenizerParts> parts_from_sentencepiece(const std::string& model, std::string_view file,
                                                const TokenizerConfig& config) {
  KERF_TRY(auto processor, load_processor(model, file));
  KERF_TRY(auto bare, load_processor(without_dummy_prefix(model), file));

  auto vocabulary = std::make_shared<Vocabulary>(processor->GetPieceSize());
  for (int id = 0; id < processor->GetPieceSize(); ++id) vocabulary->set(id, processor->IdToPiece(id));

  TokenizerParts parts;
  const std::vector<AddedToken> added = control_tokens(*processor, config);
  parts.tokens = TokenTable(std::move(vocabulary), added);
  parts.splitter = AddedTokenSplitter(added);
  parts.decoder = Decoder::sentencepiece(adds_dummy_prefix(*processor));
  parts.bos_id = special_id(config.bos_token, processor->bos_id(), parts.tokens);
  parts.eos_id = special_id(config.eos_token, processor->eos_id(), parts.tokens);
  TokenizerConfig with_default = config;
  with_default.add_bos_token = config.add_bos_token.value_or(true);
  apply_bos_eos(with_default, parts.bos_id, parts.eos_id, parts.frame);
  parts.encoder = std::make_unique<SentencePieceEncoder>(
      SentencePieceEncoder::Processors{std::move(processor), std::move(bare)}, config.legacy);
  return parts;
}

}  // namespace kerf
