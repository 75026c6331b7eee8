#include "kerf/spec/architecture.h"

#include <array>

namespace kerf {

namespace {

using Window = Architecture::Window;

constexpr LayerNames kPhi3Names = {.qkv = "self_attn.qkv_proj", .gate_up = "mlp.gate_up_proj"};

constexpr LayerNames kGemmaNames = {
    .post_attention_norm = "post_attention_layernorm",
    .mlp_norm = "pre_feedforward_layernorm",
    .post_mlp_norm = "post_feedforward_layernorm",
};

constexpr std::array kArchitectures = {
    Architecture{.model_type = "llama"},
    Architecture{.model_type = "mistral", .window = Window::kEveryLayer, .sliding_window = 4096},
    Architecture{
        .model_type = "qwen2", .window = Window::kIfUseSlidingWindow, .qkv_bias = true, .sliding_window = 4096},
    Architecture{.model_type = "qwen3",
                 .window = Window::kIfUseSlidingWindow,
                 .qk_norm = true,
                 .head_dim = 128,
                 .sliding_window = 4096},
    Architecture{.model_type = "phi3", .window = Window::kEveryLayer, .names = kPhi3Names},
    Architecture{.model_type = "gemma2",
                 .window = Window::kEvenLayers,
                 .gemma = true,
                 .names = kGemmaNames,
                 .activation = Activation::kGeluTanh,
                 .head_dim = 256,
                 .sliding_window = 4096,
                 .attention_softcap = 50.0,
                 .logit_softcap = 30.0},
    Architecture{.model_type = "gemma3_text",
                 .window = Window::kPattern,
                 .qk_norm = true,
                 .gemma = true,
                 .names = kGemmaNames,
                 .activation = Activation::kGeluTanh,
                 .head_dim = 256,
                 .sliding_window = 4096,
                 .rope_theta = 1e6},
};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view model_type) {
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.model_type == model_type) return &architecture;
  }
  return nullptr;
}

}  // namespace kerf
