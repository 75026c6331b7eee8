// Models that mix layers with a growing cache and layers with a state: Qwen3-Next and Qwen3.5, Nemotron-H; and
// Nemotron-NAS, whose layers differ in everything.
#include <algorithm>
#include <string>

#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/parts.h"

namespace kerf {

namespace {

// A state of `recurrent` f32 elements and `window` elements of a convolution in 16 bits, in f32 elements.
int64_t state_of(int64_t recurrent, int64_t window) { return recurrent + window / 2; }

// Gated DeltaNet (arXiv:2412.06464) as in Qwen3-Next: q, k, v and an output gate z, one decay and one step size per
// value head, a causal convolution over q, k, v, a norm over each head.
Result<AttentionShape> read_delta_net(const JsonFields& config, int64_t hidden) {
  KERF_TRY(const int64_t k_heads, config.integer("linear_num_key_heads", kHeads));
  KERF_TRY(const int64_t v_heads, config.integer("linear_num_value_heads", kHeads));
  KERF_TRY(const int64_t k_dim, config.integer("linear_key_head_dim", kHeadDim));
  KERF_TRY(const int64_t v_dim, config.integer("linear_value_head_dim", kHeadDim));
  KERF_TRY(const int64_t kernel, config.integer("linear_conv_kernel_dim", {1, 64}, 4));
  const int64_t keys = k_heads * k_dim;
  const int64_t values = v_heads * v_dim;
  AttentionShape a;
  a.kind = AttentionKind::kLinear;
  a.heads = v_heads;
  a.kv_heads = k_heads;
  a.head_dim = k_dim;
  a.v_head_dim = v_dim;
  a.plain_column_params = 2 * v_heads * hidden + (2 * keys + values) * kernel + 2 * v_heads;  // b, a; conv; A, dt
  a.column_params = hidden * 2 * (keys + values) + a.plain_column_params;
  a.row_params = values * hidden;
  a.replicated_params = v_dim;
  a.plain_replicated_params = v_dim;
  a.state_elements = state_of(v_heads * k_dim * v_dim, (2 * keys + values) * (kernel - 1));
  return a;
}

// [layers] whether the layer is a linear one.
Result<std::vector<bool>> read_linear_layers(const JsonFields& config, int64_t layers) {
  std::vector<bool> linear(static_cast<size_t>(layers));
  KERF_TRY(const int64_t interval, config.integer("full_attention_interval", kLayers, 4));
  const nlohmann::json* types = config.find("layer_types");
  if (types != nullptr && (!types->is_array() || types->size() != linear.size())) {
    return config.wrong("layer_types", fmt::format("a list of num_hidden_layers = {}", layers));
  }
  for (size_t i = 0; i < linear.size(); ++i) {
    linear[i] = types != nullptr ? (*types)[i] == "linear_attention" : (static_cast<int64_t>(i) + 1) % interval != 0;
  }
  return linear;
}

// One layer of the kind of the last, that joins embedding and hidden state.
Status count_qwen_mtp(const JsonFields& config, const DecoderSizes& decoder, const LayerShape& full,
                      ModelShape& shape) {
  KERF_TRY(const int64_t layers, config.integer("mtp_num_hidden_layers", {0, 100}, 0));
  if (layers == 0) return Ok{};
  shape.mtp_params = layers * full.params() + 2 * decoder.hidden * decoder.hidden + 3 * decoder.hidden;
  return Ok{};
}

}  // namespace

Status read_qwen_next(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const bool gate, config.boolean("attn_output_gate", true));
  const AttentionShape full = grouped_attention({.hidden = decoder.hidden,
                                                 .heads = decoder.heads,
                                                 .kv_heads = decoder.kv_heads,
                                                 .head_dim = decoder.head_dim,
                                                 .output_gate = gate,
                                                 .qk_norm_params = 2 * decoder.head_dim});
  KERF_TRY(const AttentionShape linear, read_delta_net(config, decoder.hidden));
  KERF_TRY(const std::vector<bool> linear_layers, read_linear_layers(config, decoder.layers));
  MlpShape mlp;
  if (config.has("num_experts")) {
    KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
    KERF_TRY(experts.shared_intermediate, config.integer("shared_expert_intermediate_size", kWidthOrNone, 0));
    experts.shared_gate = experts.shared_intermediate > 0;
    mlp = routed_mlp(experts);
  } else {
    KERF_TRY(const int64_t intermediate, config.integer("intermediate_size", kWidth));
    mlp = dense_mlp(decoder.hidden, intermediate);
  }
  LayerShape layer{.attention = full, .mlp = mlp, .norm_params = family.norms * decoder.hidden};
  KERF_TRY_STATUS(count_qwen_mtp(config, decoder, layer, shape));
  for (const bool is_linear : linear_layers) {
    layer.attention = is_linear ? linear : full;
    shape.add_layer(layer);
  }
  return Ok{};
}

namespace {

// Mamba-2 (arXiv:2405.21060): z, x, B, C and dt in one projection, a convolution over x, B, C.
Result<AttentionShape> read_mamba(const JsonFields& config, int64_t hidden) {
  KERF_TRY(const int64_t heads, config.integer("mamba_num_heads", kHeads));
  KERF_TRY(const int64_t head_dim, config.integer("mamba_head_dim", kHeadDim));
  KERF_TRY(const int64_t groups, config.integer("n_groups", kHeads));
  KERF_TRY(const int64_t state, config.integer("ssm_state_size", kHeadDim));
  KERF_TRY(const int64_t kernel, config.integer("conv_kernel", {1, 64}, 4));
  KERF_TRY(const bool conv_bias, config.boolean("use_conv_bias", true));
  const int64_t inner = heads * head_dim;
  const int64_t convolved = inner + 2 * groups * state;
  AttentionShape a;
  a.kind = AttentionKind::kLinear;
  a.heads = heads;
  a.kv_heads = groups;
  a.head_dim = state;
  a.v_head_dim = head_dim;
  a.plain_column_params = convolved * (kernel + (conv_bias ? 1 : 0)) + 3 * heads + inner;  // conv; A, D, dt; gated norm
  a.column_params = hidden * (inner + convolved + heads) + a.plain_column_params;
  a.row_params = inner * hidden;
  a.state_elements = state_of(inner * state, convolved * (kernel - 1));
  return a;
}

AttentionShape no_attention() {
  AttentionShape none;
  none.kind = AttentionKind::kNone;
  return none;
}

// Experts that may work in a space of moe_latent_size, with projections into and out of it.
Result<MlpShape> read_nemotron_experts(const JsonFields& config, int64_t hidden) {
  KERF_TRY(const int64_t latent, config.integer("moe_latent_size", kWidthOrNone, 0));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, latent > 0 ? latent : hidden));
  experts.gated = false;
  MlpShape routed = routed_mlp(experts);
  KERF_TRY(const int64_t shared, config.integer("moe_shared_expert_intermediate_size", kWidthOrNone, 0));
  KERF_TRY(const int64_t number, config.integer("n_shared_experts", {0, 1000}, 0));
  const MlpShape shared_mlp = dense_mlp(hidden, shared * number, false);
  routed.intermediate = shared_mlp.intermediate;
  routed.dense_params = shared_mlp.dense_params;
  routed.router_params = experts.experts * (hidden + 1) + 2 * hidden * latent;
  return routed;
}

// "MEM*-": one letter per layer, or a list of words.
Result<std::string> read_pattern(const JsonFields& config) {
  if (config.has("hybrid_override_pattern")) return config.string("hybrid_override_pattern");
  const nlohmann::json* types = config.find("layers_block_type");
  if (types == nullptr || !types->is_array()) return config.wrong("hybrid_override_pattern", "one letter per layer");
  std::string pattern;
  for (const nlohmann::json& type : *types) {
    pattern += type == "mamba" ? 'M' : type == "moe" ? 'E' : type == "attention" ? '*' : type == "mlp" ? '-' : '?';
  }
  return pattern;
}

}  // namespace

// A layer is a mixer, an attention, an MLP or experts alone, after one norm.
Status read_nemotron_h(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const std::string pattern, read_pattern(config));
  KERF_TRY(DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(decoder.head_dim, config.integer("attention_head_dim", kHeadDim, decoder.head_dim));
  for (const char letter : pattern) {
    LayerShape layer{
        .attention = no_attention(), .mlp = dense_mlp(decoder.hidden, 0, false), .norm_params = decoder.hidden};
    if (letter == 'M') {
      KERF_TRY(layer.attention, read_mamba(config, decoder.hidden));
    } else if (letter == '*') {
      KERF_TRY(layer.attention, read_grouped_attention(config, family, decoder));
    } else if (letter == '-') {
      KERF_TRY(const int64_t intermediate, config.integer("intermediate_size", kWidth));
      layer.mlp = dense_mlp(decoder.hidden, intermediate, false);
    } else if (letter == 'E') {
      KERF_TRY(layer.mlp, read_nemotron_experts(config, decoder.hidden));
    } else {
      return config.wrong(config.has("hybrid_override_pattern") ? "hybrid_override_pattern" : "layers_block_type",
                          "layers that are mamba (M), attention (*), mlp (-) or moe (E)");
    }
    shape.add_layer(layer);
  }
  if (shape.layers.empty()) return config.wrong("hybrid_override_pattern", "one letter per layer");
  KERF_TRY(const int64_t mtp, config.integer("num_nextn_predict_layers", {0, 100}, 0));
  if (mtp > 0) shape.note = "multi-token prediction is not counted";
  return Ok{};
}

namespace {

// One of block_configs: heads per group and the MLP's width as a multiple of hidden_size, or nothing at all.
Result<LayerShape> read_nas_layer(const nlohmann::json& block, const std::string& where, const DecoderSizes& decoder) {
  KERF_TRY(const JsonFields fields, JsonFields::of(block, where));
  KERF_TRY(const JsonFields attention, fields.object("attention"));
  KERF_TRY(const JsonFields ffn, fields.object("ffn"));
  LayerShape layer{.attention = no_attention(), .mlp = dense_mlp(decoder.hidden, 0)};
  KERF_TRY(const bool no_attention_here, attention.boolean("no_op", false));
  if (!no_attention_here) {
    KERF_TRY(const int64_t group, attention.integer("n_heads_in_group", kHeads));
    if (decoder.heads % group != 0) return attention.wrong("n_heads_in_group", "a divisor of the heads");
    layer.attention = grouped_attention({.hidden = decoder.hidden,
                                         .heads = decoder.heads,
                                         .kv_heads = decoder.heads / group,
                                         .head_dim = decoder.head_dim});
    layer.norm_params += decoder.hidden;
  }
  KERF_TRY(const bool no_ffn, ffn.boolean("no_op", false));
  if (!no_ffn) {
    KERF_TRY(const double multiple, ffn.number("ffn_mult", {1e-6, 1000, "a positive number"}));
    // Two thirds of the multiple, rounded up to 256: modeling_decilm.py beside the checkpoints.
    const auto width = static_cast<int64_t>(2 * multiple * static_cast<double>(decoder.hidden) / 3);
    layer.mlp = dense_mlp(decoder.hidden, (width + 255) / 256 * 256);
    layer.norm_params += decoder.hidden;
  }
  return layer;
}

}  // namespace

Status read_nemotron_nas(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  const nlohmann::json* blocks = config.find("block_configs");
  if (blocks == nullptr || !blocks->is_array() || blocks->size() != static_cast<size_t>(decoder.layers)) {
    return config.wrong("block_configs", fmt::format("a list of num_hidden_layers = {}", decoder.layers));
  }
  for (size_t i = 0; i < blocks->size(); ++i) {
    const std::string where = fmt::format("{}: block_configs[{}]", config.where(), i);
    KERF_TRY(const LayerShape layer, read_nas_layer((*blocks)[i], where, decoder));
    shape.add_layer(layer);
  }
  return Ok{};
}

}  // namespace kerf
