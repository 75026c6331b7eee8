#include "kerf/io/model_shape/family.h"

#include <array>

namespace kerf {

namespace {

using Window = Family::Window;

constexpr std::array kFamilies = {
    Family{.model_type = "llama", .read = read_dense},
    Family{.model_type = "mistral", .read = read_dense, .window = Window::kEveryLayer, .sliding_window = 4096},
    Family{.model_type = "qwen2",
           .read = read_dense,
           .window = Window::kIfUseSlidingWindow,
           .qkv_bias = true,
           .sliding_window = 4096},
    Family{.model_type = "qwen3",
           .read = read_dense,
           .window = Window::kIfUseSlidingWindow,
           .qk_norm = true,
           .head_dim = 128,
           .sliding_window = 4096},
    Family{.model_type = "qwen3_vl_text", .read = read_dense, .qk_norm = true, .head_dim = 128},
    Family{.model_type = "mimo", .read = read_dense, .qkv_bias = true},
    Family{.model_type = "phi3", .read = read_dense, .window = Window::kEveryLayer},
    Family{.model_type = "gemma", .read = read_dense, .tied = true, .head_dim = 256},
    Family{.model_type = "gemma2",
           .read = read_dense,
           .window = Window::kEvenLayers,
           .tied = true,
           .norms = 4,
           .head_dim = 256,
           .sliding_window = 4096},
    Family{.model_type = "gemma3_text",
           .read = read_dense,
           .window = Window::kPattern,
           .qk_norm = true,
           .tied = true,
           .norms = 4,
           .head_dim = 256,
           .sliding_window = 4096},
    Family{.model_type = "gpt2", .read = read_gpt, .tied = true},
    Family{.model_type = "opt", .read = read_gpt, .tied = true},
    Family{.model_type = "falcon", .read = read_falcon},
    Family{.model_type = "RefinedWeb", .read = read_falcon},       // Falcon-40B before it came to transformers
    Family{.model_type = "RefinedWebModel", .read = read_falcon},  // Falcon-7B, likewise
    Family{.model_type = "qwen", .read = read_first_qwen, .qkv_bias = true},
    Family{.model_type = "mixtral", .read = read_mixtral, .window = Window::kEveryLayer},
    Family{.model_type = "qwen2_moe",
           .read = read_qwen_moe,
           .window = Window::kIfUseSlidingWindow,
           .qkv_bias = true,
           .sliding_window = 4096},
    Family{.model_type = "qwen3_moe",
           .read = read_qwen_moe,
           .window = Window::kIfUseSlidingWindow,
           .qk_norm = true,
           .sliding_window = 4096},
    Family{.model_type = "qwen3_vl_moe_text", .read = read_qwen_moe, .qk_norm = true},
    Family{.model_type = "qwen3_next", .read = read_qwen_next, .head_dim = 256},
    Family{.model_type = "qwen3_5_text", .read = read_qwen_next, .head_dim = 256},
    Family{.model_type = "qwen3_5_moe_text", .read = read_qwen_next, .head_dim = 256},
    Family{.model_type = "minimax_m2", .read = read_minimax},
    Family{.model_type = "mimo_v2_flash", .read = read_mimo_flash},
    Family{.model_type = "gpt_oss",
           .read = read_gpt_oss,
           .window = Window::kEvenLayers,
           .head_dim = 64,
           .sliding_window = 128},
    Family{.model_type = "llama4_text", .read = read_llama4, .head_dim = 128},
    Family{.model_type = "deepseek_v2", .read = read_deepseek},
    Family{.model_type = "deepseek_v3", .read = read_deepseek},
    Family{.model_type = "deepseek_v32", .read = read_deepseek},
    Family{.model_type = "kimi_k2", .read = read_deepseek},
    Family{.model_type = "glm_moe_dsa", .read = read_deepseek},
    Family{.model_type = "nemotron_h", .read = read_nemotron_h},
    Family{.model_type = "nemotron-nas", .read = read_nemotron_nas},
};

}  // namespace

const Family* find_family(std::string_view model_type) {
  for (const Family& family : kFamilies) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

std::vector<std::string_view> known_families() {
  std::vector<std::string_view> names;
  for (const Family& family : kFamilies) names.push_back(family.model_type);
  return names;
}

}  // namespace kerf
