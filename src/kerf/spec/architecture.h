// The registry of architectures: a further one is a row here: names and a few options.
//
// It stands this low because the planner, which never sees a weight, needs it to read a config.json.
#pragma once

#include <span>
#include <string_view>

#include "kerf/spec/model_spec.h"

namespace kerf {

// Names of a layer's tensors, without ".weight" / ".bias", relative to "model.layers.<i>.".
struct LayerNames {
  std::string_view input_norm = "input_layernorm";
  std::string_view q = "self_attn.q_proj";
  std::string_view k = "self_attn.k_proj";
  std::string_view v = "self_attn.v_proj";
  std::string_view qkv = {};  // one fused tensor [q; k; v] instead of the three, when not empty
  std::string_view q_norm = "self_attn.q_norm";
  std::string_view k_norm = "self_attn.k_norm";
  std::string_view o = "self_attn.o_proj";
  std::string_view post_attention_norm = {};  // only with ModelSpec::post_norms
  std::string_view mlp_norm = "post_attention_layernorm";
  std::string_view gate = "mlp.gate_proj";
  std::string_view up = "mlp.up_proj";
  std::string_view gate_up = {};  // one fused tensor [gate; up], when not empty
  std::string_view down = "mlp.down_proj";
  std::string_view post_mlp_norm = {};  // only with ModelSpec::post_norms
};

struct Architecture {
  // Which layers the config's sliding_window applies to.
  enum class Window : uint8_t {
    kNever,
    kEveryLayer,          // Mistral, Phi-3
    kIfUseSlidingWindow,  // Qwen2/3: only with use_sliding_window, from layer max_window_layers on
    kEvenLayers,          // Gemma-2
    kPattern,             // Gemma-3: all but every sliding_window_pattern-th layer (or layer_types)
  };

  std::string_view model_type;  // config.json's model_type
  Window window = Window::kNever;
  bool qkv_bias = false;  // q, k, v always have one and o never, whatever attention_bias says
  bool qk_norm = false;
  bool gemma = false;  // scaled embeddings, (1 + w) norms, post norms, tied by default
  LayerNames names;

  // What transformers assumes where config.json does not mention a field.
  Activation activation = Activation::kSilu;
  int64_t head_dim = 0;  // 0 = hidden_size / num_attention_heads
  int64_t sliding_window = 0;
  double rope_theta = 10000.0;
  double attention_softcap = 0;
  double logit_softcap = 0;
};

// All supported architectures, and the row for a model_type (nullptr when unknown).
[[nodiscard]] std::span<const Architecture> architectures();
[[nodiscard]] const Architecture* find_architecture(std::string_view model_type);

}  // namespace kerf
