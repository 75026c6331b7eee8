// What most decoders have in common: sizes, embeddings, windows, grouped attention.
#include <optional>

#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/parts.h"

namespace kerf {

Status read_embeddings(const JsonFields& config, bool by_default, ModelShape& shape) {
  KERF_TRY(shape.tied_embeddings, config.boolean("tie_word_embeddings", by_default));
  shape.embedding_params = shape.vocab_size * shape.hidden_size;
  shape.head_params = shape.tied_embeddings ? 0 : shape.embedding_params;
  return Ok{};
}

Result<DecoderSizes> read_decoder(const JsonFields& config, const Family& family, ModelShape& shape) {
  DecoderSizes decoder;
  KERF_TRY(decoder.hidden, config.integer("hidden_size", kWidth));
  std::optional<int64_t> listed;  // Nemotron-3 states each layer instead
  const nlohmann::json* types = config.find("layers_block_type");
  if (types != nullptr && types->is_array()) listed = static_cast<int64_t>(types->size());
  KERF_TRY(decoder.layers, config.integer("num_hidden_layers", kLayers, listed));
  KERF_TRY(decoder.heads, config.integer("num_attention_heads", kHeads));
  KERF_TRY(decoder.kv_heads, config.integer("num_key_value_heads", kHeads, decoder.heads));
  if (decoder.heads % decoder.kv_heads != 0) {
    return config.wrong("num_key_value_heads", fmt::format("a divisor of the {} heads", decoder.heads));
  }
  const int64_t head_dim = family.head_dim > 0 ? family.head_dim : decoder.hidden / decoder.heads;
  if (!config.has("head_dim") && head_dim < 1) {
    return config.wrong("num_attention_heads", fmt::format("at most hidden_size = {}", decoder.hidden));
  }
  KERF_TRY(decoder.head_dim, config.integer("head_dim", kHeadDim, head_dim));
  shape.hidden_size = decoder.hidden;
  KERF_TRY(shape.vocab_size, config.integer("vocab_size", kVocab));
  KERF_TRY(shape.max_positions, config.integer("max_position_embeddings", kTokens, 0));
  shape.final_norm_params = decoder.hidden;
  KERF_TRY_STATUS(read_embeddings(config, family.tied, shape));
  return decoder;
}

namespace {

struct WindowRule {
  int64_t window = 0;
  int64_t first = 0;    // Qwen's max_window_layers
  int64_t pattern = 6;  // Gemma-3's sliding_window_pattern
};

bool has_window(Family::Window where, const WindowRule& rule, int64_t layer) {
  switch (where) {
    case Family::Window::kNever: return false;
    case Family::Window::kEveryLayer: return true;
    case Family::Window::kIfUseSlidingWindow: return layer >= rule.first;
    case Family::Window::kEvenLayers: return layer % 2 == 0;
    case Family::Window::kPattern: return (layer + 1) % rule.pattern != 0;
  }
  KERF_CHECK(false, "unnamed window rule");
}

}  // namespace

Result<std::vector<int64_t>> read_windows(const JsonFields& config, const Family& family, int64_t layers) {
  std::vector<int64_t> windows(static_cast<size_t>(layers), 0);
  if (family.window == Family::Window::kNever) return windows;
  WindowRule rule;
  const int64_t by_default = config.mentions("sliding_window") ? 0 : family.sliding_window;  // null means none
  KERF_TRY(rule.window, config.integer("sliding_window", kTokens, by_default));
  KERF_TRY(const bool enabled, config.boolean("use_sliding_window", false));
  if (family.window == Family::Window::kIfUseSlidingWindow && !enabled) rule.window = 0;
  KERF_TRY(rule.first, config.integer("max_window_layers", {0, kLayers.max}, 28));
  const char* pattern = config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  KERF_TRY(rule.pattern, config.integer(pattern, {1, kLayers.max}, 6));
  const nlohmann::json* types = config.find("layer_types");
  if (types != nullptr && (!types->is_array() || types->size() != windows.size())) {
    return config.wrong("layer_types", fmt::format("a list of num_hidden_layers = {}", layers));
  }
  for (size_t i = 0; i < windows.size(); ++i) {
    const bool windowed = types != nullptr ? (*types)[i] == "sliding_attention"
                                           : has_window(family.window, rule, static_cast<int64_t>(i));
    if (windowed) windows[i] = rule.window;
  }
  return windows;
}

Result<AttentionShape> read_grouped_attention(const JsonFields& config, const Family& family,
                                              const DecoderSizes& decoder) {
  KERF_TRY(const bool bias, config.boolean("attention_bias", false));
  return grouped_attention({.hidden = decoder.hidden,
                            .heads = decoder.heads,
                            .kv_heads = decoder.kv_heads,
                            .head_dim = decoder.head_dim,
                            .qkv_bias = family.qkv_bias || bias,
                            .output_bias = bias && !family.qkv_bias,
                            .qk_norm_params = family.qk_norm ? 2 * decoder.head_dim : 0});
}

Status read_dense(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape attention, read_grouped_attention(config, family, decoder));
  KERF_TRY(const std::vector<int64_t> windows, read_windows(config, family, decoder.layers));
  KERF_TRY(const int64_t intermediate, config.integer("intermediate_size", kWidth));
  KERF_TRY(const bool mlp_bias, config.boolean("mlp_bias", false));
  LayerShape layer{.attention = attention,
                   .mlp = dense_mlp(decoder.hidden, intermediate, true, mlp_bias),
                   .norm_params = family.norms * decoder.hidden};
  for (const int64_t window : windows) {
    layer.attention.window = window;
    shape.add_layer(layer);
  }
  return count_mtp(config, shape);
}

// A prediction layer joins the embedding of the next token with the hidden state, [2h → h], norms both and its output,
// and is a decoder layer like the last. Embedding and head are the model's.
Status count_mtp(const JsonFields& config, ModelShape& shape) {
  KERF_TRY(const int64_t layers, config.integer("num_nextn_predict_layers", {0, 100}, 0));
  const int64_t hidden = shape.hidden_size;
  shape.mtp_params = layers * (shape.layer(shape.num_layers() - 1).params() + 2 * hidden * hidden + 3 * hidden);
  return Ok{};
}

}  // namespace kerf
