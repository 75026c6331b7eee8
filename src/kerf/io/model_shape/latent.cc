// Latent attention (MLA): DeepSeek-V2, V3, R1, V3.2, Kimi-K2, GLM-5.
#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/parts.h"

namespace kerf {

namespace {

Result<AttentionShape> read_latent_attention(const JsonFields& config, int64_t hidden) {
  LatentAttention a{.hidden = hidden};
  KERF_TRY(a.heads, config.integer("num_attention_heads", kHeads));
  KERF_TRY(a.nope_head_dim, config.integer("qk_nope_head_dim", kHeadDim));
  KERF_TRY(a.rope_head_dim, config.integer("qk_rope_head_dim", kHeadDim));
  KERF_TRY(a.v_head_dim, config.integer("v_head_dim", kHeadDim));
  KERF_TRY(a.q_lora_rank, config.integer("q_lora_rank", kWidthOrNone, 0));
  KERF_TRY(a.kv_lora_rank, config.integer("kv_lora_rank", kWidth));
  return latent_attention(a);
}

// The indexer of sparse attention (DeepSeek-V3.2, arXiv:2512.02556): index_n_heads queries from the compressed query,
// one key per token, a weight per head. It is on every rank and caches its key in fp8 with a scale per 128.
struct Indexer {
  int64_t params = 0;
  int64_t plain_params = 0;
  double cache_bytes = 0;
};

Result<Indexer> read_indexer(const JsonFields& config, int64_t hidden) {
  Indexer indexer;
  if (!config.has("index_n_heads")) return indexer;
  KERF_TRY(const int64_t heads, config.integer("index_n_heads", kHeads));
  KERF_TRY(const int64_t dim, config.integer("index_head_dim", kHeadDim));
  KERF_TRY(const int64_t rank, config.integer("q_lora_rank", kWidth));
  indexer.plain_params = 2 * dim + hidden * heads;  // layer norm of the key; the weights' projection
  indexer.params = rank * heads * dim + hidden * dim + indexer.plain_params;
  indexer.cache_bytes = static_cast<double>(dim) * (1 + 4.0 / 128);
  return indexer;
}

// Whether a layer has an indexer of its own, or takes the choice of the one before (GLM-5.2).
bool has_indexer(const nlohmann::json* types, int64_t layer) {
  if (types == nullptr || !types->is_array() || static_cast<size_t>(layer) >= types->size()) return true;
  return (*types)[static_cast<size_t>(layer)] != "shared";
}

}  // namespace

Status read_deepseek(const JsonFields& config, const Family& family, ModelShape& shape) {
  KERF_TRY(const DecoderSizes decoder, read_decoder(config, family, shape));
  KERF_TRY(const AttentionShape attention, read_latent_attention(config, decoder.hidden));
  KERF_TRY(const Indexer indexer, read_indexer(config, decoder.hidden));
  KERF_TRY(RoutedExperts experts, read_routed_experts(config, decoder.hidden));
  KERF_TRY(const int64_t shared, config.integer("n_shared_experts", {0, 1000}, 0));
  experts.shared_intermediate = shared * experts.intermediate;
  KERF_TRY(const std::string method, config.string("topk_method", ""));
  if (method == "noaux_tc") experts.router_bias = experts.experts;
  KERF_TRY(const int64_t dense, config.integer("intermediate_size", kWidth));
  KERF_TRY(const int64_t first_dense, config.integer("first_k_dense_replace", {0, kLayers.max}, 0));
  KERF_TRY(const int64_t step, config.integer("moe_layer_freq", kLayers, 1));
  for (int64_t i = 0; i < decoder.layers; ++i) {
    const bool routed = experts.experts > 0 && i >= first_dense && i % step == 0;
    LayerShape layer{.attention = attention,
                     .mlp = routed ? routed_mlp(experts) : dense_mlp(decoder.hidden, dense),
                     .norm_params = family.norms * decoder.hidden};
    if (has_indexer(config.find("indexer_types"), i)) {
      layer.attention.replicated_params += indexer.params;
      layer.attention.plain_replicated_params += indexer.plain_params;
      layer.attention.cache_bytes_replicated = indexer.cache_bytes;
    }
    shape.add_layer(layer);
  }
  return count_mtp(config, shape);
}

}  // namespace kerf
