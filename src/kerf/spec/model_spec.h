// ModelSpec: the facts of a model, as its config.json states them. Plain data, no weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kerf/spec/dtype.h"

namespace kerf {

enum class Activation : uint8_t { kSilu, kGeluTanh };

// Rotary position embedding, with the `rope_scaling` variants of Hugging Face.
struct RopeSpec {
  enum class Scaling : uint8_t { kNone, kLinear, kLlama3, kYarn };
  double theta = 10000.0;
  Scaling scaling = Scaling::kNone;
  double factor = 1.0;                 // linear, llama3, yarn
  int64_t original_max_positions = 0;  // llama3, yarn: context length before scaling
  double low_freq_factor = 1.0;        // llama3
  double high_freq_factor = 4.0;       // llama3
  double beta_fast = 32.0;             // yarn
  double beta_slow = 1.0;              // yarn
  double attention_factor = 1.0;       // yarn: multiplies cos and sin
  bool operator==(const RopeSpec&) const = default;
};

// What may differ from layer to layer.
struct LayerSpec {
  int64_t window = 0;       // sliding window in tokens, the token itself included; 0 = full attention
  bool local_rope = false;  // rotate with ModelSpec::local_rope instead of rope (Gemma-3's window layers)
  bool operator==(const LayerSpec&) const = default;
};

struct ModelSpec {
  std::string model_type;  // "llama", "qwen3", … : a key of the architecture registry

  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;
  std::vector<LayerSpec> layers;  // one per layer

  double norm_eps = 1e-6;
  Activation activation = Activation::kSilu;
  RopeSpec rope;
  RopeSpec local_rope;

  bool tied_embeddings = false;
  bool qkv_bias = false;
  bool output_bias = false;  // bias of the attention output projection
  bool mlp_bias = false;
  bool qk_norm = false;  // RMS norm of every query and key head, before RoPE

  double attention_scale = 0;    // scores are multiplied by it, usually head_dim^-1/2
  double attention_softcap = 0;  // 0 = none
  double logit_softcap = 0;      // 0 = none
  double embedding_scale = 1.0;  // Gemma: sqrt(hidden_size)
  bool norm_adds_one = false;    // Gemma: the norm multiplies by (1 + w)
  bool post_norms = false;       // Gemma: a norm after attention and after the MLP, before the residual

  DType checkpoint_dtype = DType::kF32;  // torch_dtype
  int32_t bos_id = -1;                   // -1 = none
  std::vector<int32_t> eos_ids;          // generation_config.json's, else config.json's

  [[nodiscard]] int64_t num_layers() const { return static_cast<int64_t>(layers.size()); }
};

}  // namespace kerf
