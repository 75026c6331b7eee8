// Mixtures of experts with Llama-like attention: Mixtral, Qwen2-MoE, Qwen3-MoE, MiniMax-M2, gpt-oss, Llama 4.
#include <algorithm>
#include <set>

#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/parts.h"

namespace kerf {

namespace {

// A list of layer numbers, empty when absent.
Result<std::set<int64_t>> read_layer_numbers(const JsonFields& config, const char* name) {
  std::set<int64_t> numbers;
  const nlohmann::json* list = config.find(name);
  if (list == nullptr) return numbers;
  if (!list->is_array()) return config.wrong(name, "a list of layers");
  for (const nlohmann::json& item : *list) {
    if (!item.is_number_integer()) return config.wrong(name, "a list of layers");
    numbers.insert(item.get<int64_t>());
  }
  return numbers;
}

}  // namespace

Result<RoutedExperts> read_routed_experts(const JsonFields& config, int64_t hidden) {
  const auto named = [&](std::initializer_list<const char*> names) {
    return *std::ranges::find_if(names.begin(), names.end() - 1, [&](const char* name) { return config.has(name); });
  };
  RoutedExperts e{.hidden = hidden};
  KERF_TRY(e.experts, config.integer(named({"num_local_experts", "n_routed_experts", "num_experts"}), kExperts));
  KERF_TRY(e.per_token, config.integer(named({"num_experts_per_token", "top_k_experts", "num_experts_per_tok"}),
                                       {1, std::max<int64_t>(1, e.experts)}));
  KERF_TRY(e.intermediate, config.integer(named({"moe_intermediate_size", "intermediate_size"}), kWidth));
  return e;
}

// Every layer routes; experts without bias.
Status read_mixtral(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape attention, read_grouped_attention(config, family, decoder));
  KERF_TRY(const std::vector<int64_t> windows, read_windows(config, family, decoder.layers));
  KERF_TRY(const RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  LayerShape layer{.attention = attention, .mlp = routed_mlp(experts), .norm_params = family.norms * decoder.hidden};
  for (const int64_t window : windows) {
    layer.attention.window = window;
    shape.add_layer(layer);
  }
  return Ok{};
}

// decoder_sparse_step and mlp_only_layers say which layers route; the others have a dense MLP of intermediate_size.
Status read_qwen_moe(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape attention, read_grouped_attention(config, family, decoder));
  KERF_TRY(const std::vector<int64_t> windows, read_windows(config, family, decoder.layers));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  KERF_TRY(experts.shared_intermediate, config.integer("shared_expert_intermediate_size", kWidthOrNone, 0));
  experts.shared_gate = experts.shared_intermediate > 0;
  KERF_TRY(const int64_t dense, config.integer("intermediate_size", kWidth, experts.intermediate));
  KERF_TRY(const int64_t step, config.integer("decoder_sparse_step", kLayers, 1));
  KERF_TRY(const std::set<int64_t> dense_layers, read_layer_numbers(config, "mlp_only_layers"));
  for (int64_t i = 0; i < decoder.layers; ++i) {
    const bool routed = experts.experts > 0 && (i + 1) % step == 0 && !dense_layers.contains(i);
    LayerShape layer{.attention = attention,
                     .mlp = routed ? routed_mlp(experts) : dense_mlp(decoder.hidden, dense),
                     .norm_params = family.norms * decoder.hidden};
    layer.attention.window = windows[static_cast<size_t>(i)];
    shape.add_layer(layer);
  }
  return Ok{};
}

// Norms over all of q and all of k; a bias per expert that only routes.
Status read_minimax(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const bool qk_norm, config.boolean("use_qk_norm", true));
  KERF_TRY(const bool routing_bias, config.boolean("use_routing_bias", true));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  KERF_TRY(experts.shared_intermediate, config.integer("shared_intermediate_size", kWidthOrNone, 0));
  experts.router_bias = routing_bias ? experts.experts : 0;
  const int64_t norm = qk_norm ? (decoder.heads + decoder.kv_heads) * decoder.head_dim : 0;
  const LayerShape layer{.attention = grouped_attention({.hidden = decoder.hidden,
                                                         .heads = decoder.heads,
                                                         .kv_heads = decoder.kv_heads,
                                                         .head_dim = decoder.head_dim,
                                                         .qk_norm_params = norm}),
                         .mlp = routed_mlp(experts),
                         .norm_params = family.norms * decoder.hidden};
  for (int64_t i = 0; i < decoder.layers; ++i) shape.add_layer(layer);
  return Ok{};
}

namespace {

// One number per layer, 0 or 1. nullptr when the config lacks the list.
Result<const nlohmann::json*> read_pattern(const JsonFields& config, const char* name, int64_t layers) {
  const nlohmann::json* list = config.find(name);
  if (list == nullptr || !list->is_array() || list->size() != static_cast<size_t>(layers)) {
    return config.wrong(name, fmt::format("a list of num_hidden_layers = {}", layers));
  }
  return list;
}

// The attention of the layers with a window ("swa_") or without.
Result<AttentionShape> read_mimo_attention(const JsonFields& config, int64_t hidden, const std::string& prefix) {
  GroupedAttention a{.hidden = hidden};
  KERF_TRY(a.heads, config.integer(prefix + "num_attention_heads", kHeads));
  KERF_TRY(a.kv_heads, config.integer(prefix + "num_key_value_heads", kHeads));
  KERF_TRY(a.head_dim, config.integer(prefix + "head_dim", kHeadDim));
  KERF_TRY(a.v_head_dim, config.integer(prefix + "v_head_dim", kHeadDim));
  if (!prefix.empty()) {
    KERF_TRY(a.window, config.integer("sliding_window", kTokens));
  }
  const char* sink = prefix.empty() ? "add_full_attention_sink_bias" : "add_swa_attention_sink_bias";
  KERF_TRY(const bool sinks, config.boolean(sink, false));
  a.sinks_per_head = sinks ? 1 : 0;
  return grouped_attention(a);
}

}  // namespace

// MiMo-V2-Flash: layers with a window have heads of their own; moe_layer_freq says which layers route.
Status read_mimo_flash(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape full, read_mimo_attention(config, decoder.hidden, ""));
  KERF_TRY(const AttentionShape windowed, read_mimo_attention(config, decoder.hidden, "swa_"));
  KERF_TRY(const nlohmann::json* const pattern, read_pattern(config, "hybrid_layer_pattern", decoder.layers));
  KERF_TRY(const nlohmann::json* const routed, read_pattern(config, "moe_layer_freq", decoder.layers));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  experts.router_bias = experts.experts;
  KERF_TRY(const int64_t dense, config.integer("intermediate_size", kWidth));
  for (size_t i = 0; i < pattern->size(); ++i) {
    shape.add_layer({.attention = (*pattern)[i] == 1 ? windowed : full,
                     .mlp = (*routed)[i] == 1 ? routed_mlp(experts) : dense_mlp(decoder.hidden, dense),
                     .norm_params = family.norms * decoder.hidden});
  }
  return Ok{};
}

// Biases everywhere, in experts and router too; a learned sink per head; every other layer has a window.
Status read_gpt_oss(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const std::vector<int64_t> windows, read_windows(config, family, decoder.layers));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  KERF_TRY(const bool bias, config.boolean("attention_bias", true));
  experts.bias = true;
  experts.router_bias = experts.experts;
  for (const int64_t window : windows) {
    shape.add_layer({.attention = grouped_attention({.hidden = decoder.hidden,
                                                     .heads = decoder.heads,
                                                     .kv_heads = decoder.kv_heads,
                                                     .head_dim = decoder.head_dim,
                                                     .window = window,
                                                     .qkv_bias = bias,
                                                     .output_bias = bias,
                                                     .sinks_per_head = 1}),
                     .mlp = routed_mlp(experts),
                     .norm_params = family.norms * decoder.hidden});
  }
  return Ok{};
}

// Every interleave_moe_layer_step-th layer routes, beside one shared expert; three of four layers attend within chunks
// of attention_chunk_size, the fourth, which has no rotary embedding, to everything. q and k are normed without
// weights.
Status read_llama4(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape attention, read_grouped_attention(config, family, decoder));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  experts.shared_intermediate = experts.intermediate;
  KERF_TRY(const int64_t dense, config.integer("intermediate_size_mlp", kWidth));
  KERF_TRY(const int64_t step, config.integer("interleave_moe_layer_step", kLayers, 1));
  KERF_TRY(const std::set<int64_t> stated, read_layer_numbers(config, "moe_layers"));
  KERF_TRY(const int64_t chunk, config.integer("attention_chunk_size", kTokens, 8192));
  const nlohmann::json* rotated = config.find("no_rope_layers");  // despite its name, 1 where there is a rotary one
  const bool listed =
      rotated != nullptr && rotated->is_array() && rotated->size() == static_cast<size_t>(decoder.layers);
  for (int64_t i = 0; i < decoder.layers; ++i) {
    const bool routed = stated.empty() ? (i + 1) % step == 0 : stated.contains(i);
    const bool chunked = listed ? (*rotated)[static_cast<size_t>(i)] == 1 : (i + 1) % 4 != 0;
    LayerShape layer{.attention = attention,
                     .mlp = routed ? routed_mlp(experts) : dense_mlp(decoder.hidden, dense),
                     .norm_params = family.norms * decoder.hidden};
    layer.attention.window = chunked ? chunk : 0;
    shape.add_layer(layer);
  }
  return Ok{};
}

}  // namespace kerf
