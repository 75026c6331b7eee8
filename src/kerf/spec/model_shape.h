// ModelShape: what a model weighs and computes, as the planner needs it. It covers architectures that
// kerf can plan for but doesn't run (mixtures of experts, latent attention); ModelSpec is for those it runs.
//
// Every parameter is counted once. A count whose name holds "plain" is the part of its neighbour that quantisation
// leaves alone (biases, norms of q and k, sinks, convolutions); routers and norms are plain altogether.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kerf {

// How weights are stored. A format of its own for attention, dense MLP, experts and embeddings lets mixed checkpoints
// (gpt-oss: bf16 attention, MXFP4 experts) be stated exactly.
struct StorageFormat {
  std::string name = "bf16";  // "f32", "bf16", "f16", "fp8", "int8", "int4", "awq", "gptq", "nvfp4", "mxfp4"
  double bits = 16;           // of one weight, scales and zero points left out
  int64_t group = 0;          // weights along K that share a scale; 0 = per output channel or tensor
  double group_bits = 0;      // of the scale and zero point of one group; with `block`, of one block
  int64_t block = 0;  // fp8_block: outputs (and inputs) of a 2-D scale block, which no shard may straddle; 0 = none
  int64_t pack = 0;   // packed formats: outputs that share a word, which no shard may straddle; 0 = none
  // A shard with a part of a group is padded by the engines (MXFP4): it wastes memory, and nobody refuses it.
  bool padded = false;

  // Of one weight with its share of scales and zero points: 4-bit AWQ in groups of 128 has 4.156.
  [[nodiscard]] double bits_per_weight() const {
    if (block > 0) return bits + group_bits / static_cast<double>(block * block);
    return group > 0 ? bits + group_bits / static_cast<double>(group) : bits;
  }
  bool operator==(const StorageFormat&) const = default;
};

// What can stand in a layer's first half.
enum class AttentionKind : uint8_t {
  kGrouped,  // MHA, GQA, MQA
  kLatent,   // MLA: one compressed cache line a token, which TP does not cut
  kLinear,   // linear attention or a state-space mixer: a state per sequence, no cache that grows
  kNone,
};

struct AttentionShape {
  AttentionKind kind = AttentionKind::kGrouped;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;     // of queries and keys
  int64_t v_head_dim = 0;   // of values; head_dim unless stated
  int64_t window = 0;       // sliding window or chunk in tokens; 0 = full
  int64_t q_lora_rank = 0;  // latent: 0 = queries are not compressed
  int64_t kv_lora_rank = 0;
  int64_t rope_head_dim = 0;   // latent: the part of head_dim that is rotated, and cached once
  int64_t state_elements = 0;  // linear: of one sequence
  // Parameters of one layer by how TP cuts them.
  int64_t column_params = 0;        // q, k, v (latent: the up-projections): cut by heads
  int64_t kv_column_params = 0;     // the part of column_params that belongs to k and v: replicated when TP > kv_heads
  int64_t row_params = 0;           // output projection
  int64_t replicated_params = 0;    // latent down-projections, norms of q and k, biases of row linears, sinks
  int64_t plain_column_params = 0;  // of column_params, k's and v's included
  int64_t plain_replicated_params = 0;  // of replicated_params
  // Cached for every token beside keys and values and not cut by TP: the keys of a sparse-attention indexer.
  double cache_bytes_replicated = 0;
  // linear: of an element of the state. Recurrent states are kept in f32, whatever the model's type.
  double state_bits = 32;
  bool operator==(const AttentionShape&) const = default;
};

struct MlpShape {
  int64_t intermediate = 0;  // of the dense MLP or the shared experts together; 0 = none
  bool gated = true;
  int64_t dense_params = 0;  // of the dense MLP or the shared experts: cut by TP
  int64_t experts = 0;       // routed; 0 = dense layer
  int64_t experts_per_token = 0;
  int64_t expert_intermediate = 0;
  int64_t expert_params = 0;        // of one routed expert
  int64_t router_params = 0;        // replicated
  int64_t plain_params = 0;         // of dense_params
  int64_t plain_expert_params = 0;  // of expert_params
  bool operator==(const MlpShape&) const = default;
};

struct LayerShape {
  AttentionShape attention;
  MlpShape mlp;
  int64_t norm_params = 0;
  [[nodiscard]] int64_t attention_params() const {
    return attention.column_params + attention.row_params + attention.replicated_params;
  }
  [[nodiscard]] int64_t params() const {
    return attention_params() + mlp.dense_params + mlp.router_params + mlp.experts * mlp.expert_params + norm_params;
  }
  // That one token meets.
  [[nodiscard]] int64_t active_params() const {
    return params() - (mlp.experts - mlp.experts_per_token) * mlp.expert_params;
  }
  bool operator==(const LayerShape&) const = default;
};

struct ModelShape {
  std::string name;        // for messages: "Llama-3.1-70B", or the directory's name
  std::string repository;  // "meta-llama/Llama-3.1-70B": where engines find it; empty = not by this name
  std::string model_type;  // config.json's
  int64_t hidden_size = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
  bool tied_embeddings = false;
  int64_t embedding_params = 0;  // token (and learned position) embeddings
  int64_t position_params = 0;   // of embedding_params: learned positions, which TP does not cut
  int64_t head_params = 0;       // 0 when tied
  int64_t final_norm_params = 0;
  int64_t extra_params = 0;  // vision tower and the like: replicated, named in `note`
  int64_t mtp_params = 0;    // multi-token prediction: not part of params(), nor held unless it is asked for
  std::string note;          // what the counts leave out or assume; empty = nothing

  std::vector<LayerShape> kinds;  // the different layers of the model
  std::vector<int> layers;        // [layers] index of kinds

  StorageFormat attention_format;
  StorageFormat mlp_format;     // dense MLPs and shared experts
  StorageFormat expert_format;  // routed experts
  StorageFormat embedding_format;
  StorageFormat head_format;
  double plain_bits = 16;  // of norms, biases, routers and whatever else quantisation leaves alone
  double kv_bits = 16;

  [[nodiscard]] int64_t num_layers() const { return static_cast<int64_t>(layers.size()); }
  [[nodiscard]] const LayerShape& layer(int64_t i) const {
    return kinds[static_cast<size_t>(layers[static_cast<size_t>(i)])];
  }
  [[nodiscard]] bool is_moe() const {
    for (const LayerShape& kind : kinds) {
      if (kind.mlp.experts > 0) return true;
    }
    return false;
  }
  [[nodiscard]] int64_t params() const {
    int64_t sum = embedding_params + head_params + final_norm_params + extra_params;
    for (const int kind : layers) sum += kinds[static_cast<size_t>(kind)].params();
    return sum;
  }
  // That one token meets; of the embedding, all rows.
  [[nodiscard]] int64_t active_params() const {
    int64_t sum = params();
    for (const int kind : layers) {
      const LayerShape& layer = kinds[static_cast<size_t>(kind)];
      sum -= layer.params() - layer.active_params();
    }
    return sum;
  }
  // Appends a layer; equal layers share an entry of `kinds`.
  void add_layer(const LayerShape& layer) {
    size_t kind = 0;
    while (kind < kinds.size() && !(kinds[kind] == layer)) ++kind;
    if (kind == kinds.size()) kinds.push_back(layer);
    layers.push_back(static_cast<int>(kind));
  }
};

}  // namespace kerf
