#include "kerf/io/tokenizer/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kerf {
namespace {

using sentencepiece::SentencePieceProcessor;

class SentencePieceEncoder : public SegmentEncoder {
 public:
  // `bare` adds no space before a text; null: `processor` encodes every segment.
  SentencePieceEncoder(std::unique_ptr<SentencePieceProcessor> processor, std::unique_ptr<SentencePieceProcessor> bare)
      : processor_(std::move(processor)), bare_(std::move(bare)) {}

  void encode(std::span<const Segment> segments, bool /*parse_special*/, std::vector<int32_t>& ids) const override {
    std::vector<int> part;
    for (const Segment& segment : segments) {
      if (segment.id >= 0) {
        ids.push_back(segment.id);
        continue;
      }
      const bool inside = &segment != segments.data();
      const SentencePieceProcessor& processor = inside && bare_ != nullptr ? *bare_ : *processor_;
      // It fails only for a model that did not load.
      if (processor.Encode(segment.text, &part).ok()) ids.insert(ids.end(), part.begin(), part.end());
    }
  }

 private:
  std::unique_ptr<SentencePieceProcessor> processor_, bare_;
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
  return processor.IdToPiece(ids.front()).starts_with("▁");
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
  std::unique_ptr<SentencePieceProcessor> bare;
  if (!config.legacy) {
    KERF_TRY(bare, load_processor(without_dummy_prefix(model), file));
  }

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
  parts.encoder = std::make_unique<SentencePieceEncoder>(std::move(processor), std::move(bare));
  return parts;
}

}  // namespace kerf
