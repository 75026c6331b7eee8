// Families from before Llama: GPT-2 and OPT, Falcon, the first Qwen. Each has field names of its own.
#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/parts.h"

namespace kerf {

namespace {

// The first of two names that the config has.
const char* either(const JsonFields& config, const char* first, const char* second) {
  return config.has(first) ? first : second;
}

// Models with one key-value head per head, that name sizes as GPT-2 (n_embd) or as most others (hidden_size).
Result<DecoderSizes> read_sizes(const JsonFields& config, ModelShape& shape) {
  DecoderSizes decoder;
  KERF_TRY(decoder.hidden, config.integer(either(config, "n_embd", "hidden_size"), kWidth));
  const char* layers = either(config, "n_layer", "num_hidden_layers");
  const char* heads = either(config, "n_head", "num_attention_heads");
  KERF_TRY(decoder.layers, config.integer(layers, kLayers));
  KERF_TRY(decoder.heads, config.integer(heads, kHeads));
  decoder.kv_heads = decoder.heads;
  decoder.head_dim = decoder.hidden / decoder.heads;
  if (decoder.hidden % decoder.heads != 0) {
    return config.wrong(heads, fmt::format("a divisor of the hidden size {}", decoder.hidden));
  }
  shape.hidden_size = decoder.hidden;
  KERF_TRY(shape.vocab_size, config.integer("vocab_size", kVocab));
  return decoder;
}

}  // namespace

// Layer norms, biases everywhere, learned positions, an MLP without gate.
Status read_gpt(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_sizes(config, shape));
  const bool opt = family.model_type == "opt";
  KERF_TRY(shape.max_positions, config.integer(opt ? "max_position_embeddings" : "n_positions", kTokens, 1024));
  KERF_TRY(const int64_t intermediate, config.integer(opt ? "ffn_dim" : "n_inner", kWidth, 4 * decoder.hidden));
  if (opt) {
    KERF_TRY(const int64_t width, config.integer("word_embed_proj_dim", kWidth, decoder.hidden));
    if (width != decoder.hidden) return config.wrong("word_embed_proj_dim", "hidden_size (kerf counts no projections)");
  }
  KERF_TRY_STATUS(read_embeddings(config, family.tied, shape));
  const int64_t offset = opt ? 2 : 0;  // OPT's positions begin at 2
  shape.position_params = (shape.max_positions + offset) * decoder.hidden;
  shape.embedding_params += shape.position_params;
  shape.final_norm_params = 2 * decoder.hidden;
  const LayerShape layer{.attention = grouped_attention({.hidden = decoder.hidden,
                                                         .heads = decoder.heads,
                                                         .kv_heads = decoder.kv_heads,
                                                         .head_dim = decoder.head_dim,
                                                         .qkv_bias = true,
                                                         .output_bias = true}),
                         .mlp = dense_mlp(decoder.hidden, intermediate, false, true),
                         .norm_params = 4 * decoder.hidden};
  for (int64_t i = 0; i < decoder.layers; ++i) shape.add_layer(layer);
  return Ok{};
}

// Checkpoints hold the head although the class would tie it.
Status read_falcon(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(DecoderSizes decoder, read_sizes(config, shape));
  KERF_TRY(const bool grouped, config.boolean("new_decoder_architecture", family.model_type == "RefinedWeb"));
  KERF_TRY(const bool multi_query, config.boolean("multi_query", true));
  KERF_TRY(const bool parallel, config.boolean("parallel_attn", true));
  KERF_TRY(const bool bias, config.boolean("bias", false));
  if (grouped) {
    KERF_TRY(decoder.kv_heads, config.integer(either(config, "num_kv_heads", "n_head_kv"), kHeads, decoder.heads));
  } else if (multi_query) {
    decoder.kv_heads = 1;
  }
  KERF_TRY(const int64_t intermediate, config.integer("ffn_hidden_size", kWidth, 4 * decoder.hidden));
  KERF_TRY(shape.max_positions, config.integer("max_position_embeddings", kTokens, 2048));
  KERF_TRY_STATUS(read_embeddings(config, family.tied, shape));
  shape.final_norm_params = 2 * decoder.hidden;
  KERF_TRY(const int64_t norms, config.integer("num_ln_in_parallel_attn", {1, 2}, grouped || !parallel ? 2 : 1));
  const LayerShape layer{.attention = grouped_attention({.hidden = decoder.hidden,
                                                         .heads = decoder.heads,
                                                         .kv_heads = decoder.kv_heads,
                                                         .head_dim = decoder.head_dim,
                                                         .qkv_bias = bias,
                                                         .output_bias = bias}),
                         .mlp = dense_mlp(decoder.hidden, intermediate, false, bias),
                         .norm_params = norms * 2 * decoder.hidden};
  for (int64_t i = 0; i < decoder.layers; ++i) shape.add_layer(layer);
  return Ok{};
}

// intermediate_size counts gate and up together.
Status read_first_qwen(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(DecoderSizes decoder, read_sizes(config, shape));
  KERF_TRY(decoder.head_dim, config.integer("kv_channels", kHeadDim, decoder.head_dim));
  KERF_TRY(shape.max_positions, config.integer("max_position_embeddings", kTokens, 8192));
  KERF_TRY(const int64_t both, config.integer("intermediate_size", kWidth));
  KERF_TRY(const bool no_bias, config.boolean("no_bias", true));
  KERF_TRY_STATUS(read_embeddings(config, family.tied, shape));
  shape.final_norm_params = decoder.hidden;
  const LayerShape layer{.attention = grouped_attention({.hidden = decoder.hidden,
                                                         .heads = decoder.heads,
                                                         .kv_heads = decoder.kv_heads,
                                                         .head_dim = decoder.head_dim,
                                                         .qkv_bias = family.qkv_bias,
                                                         .output_bias = !no_bias}),
                         .mlp = dense_mlp(decoder.hidden, both / 2, true, !no_bias),
                         .norm_params = 2 * decoder.hidden};
  for (int64_t i = 0; i < decoder.layers; ++i) shape.add_layer(layer);
  return Ok{};
}

}  // namespace kerf
