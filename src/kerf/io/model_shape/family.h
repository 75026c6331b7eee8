// The families of architectures that kerf can count: one row per model_type, and the readers they share.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/io/json.h"
#include "kerf/io/model_shape/parts.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// Far above any model, low enough that no layer overflows; parse_model_shape() refuses models that would.
inline constexpr IntegerRange kLayers{1, 10'000};
inline constexpr IntegerRange kHeads{1, 10'000};
inline constexpr IntegerRange kHeadDim{1, 65'536};
inline constexpr IntegerRange kWidth{1, 1'000'000};
inline constexpr IntegerRange kWidthOrNone{0, 1'000'000};
inline constexpr IntegerRange kVocab{1, 10'000'000};
inline constexpr IntegerRange kTokens{0, int64_t{1} << 40};
inline constexpr IntegerRange kExperts{0, 10'000};

// A model_type, who reads it, and how it differs from Llama.
struct Family {
  // Which layers sliding_window applies to, where layer_types does not say.
  enum class Window : uint8_t {
    kNever,
    kEveryLayer,          // Mistral, Phi-3, Mixtral
    kIfUseSlidingWindow,  // Qwen2/3: only with use_sliding_window, from layer max_window_layers on
    kEvenLayers,          // Gemma-2, gpt-oss
    kPattern,             // Gemma-3: all but every sliding_window_pattern-th layer
  };

  std::string_view model_type;
  Status (*read)(const JsonFields& config, const Family& family, ModelShape& shape) = nullptr;
  Window window = Window::kNever;
  bool qkv_bias = false;  // q, k, v always have one and o never, whatever attention_bias says
  bool qk_norm = false;   // over each head
  bool tied = false;      // unless tie_word_embeddings says otherwise
  int norms = 2;          // of hidden_size per layer
  int64_t head_dim = 0;   // unless the config says; 0 = hidden_size / num_attention_heads
  int64_t sliding_window = 0;
};

// nullptr when unknown.
[[nodiscard]] const Family* find_family(std::string_view model_type);
[[nodiscard]] std::vector<std::string_view> known_families();

// What every decoder states.
struct DecoderSizes {
  int64_t hidden = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};
// Reads them, and fills in the shape's embeddings, head and final norm (hidden_size weights, no bias).
[[nodiscard]] Result<DecoderSizes> read_decoder(const JsonFields& config, const Family& family, ModelShape& shape);
// Embeddings and head from shape.hidden_size and vocab_size, tied as the config or `by_default` says.
[[nodiscard]] Status read_embeddings(const JsonFields& config, bool by_default, ModelShape& shape);

// [layers] the window of each, 0 = none.
[[nodiscard]] Result<std::vector<int64_t>> read_windows(const JsonFields& config, const Family& family, int64_t layers);

// The attention of a Llama-like layer without its window.
[[nodiscard]] Result<AttentionShape> read_grouped_attention(const JsonFields& config, const Family& family,
                                                            const DecoderSizes& decoder);

// The multi-token prediction layers of num_nextn_predict_layers, counted apart. REQUIRES: shape's layers are filled in
[[nodiscard]] Status count_mtp(const JsonFields& config, ModelShape& shape);

// Readers, by the kind of layer.
Status read_dense(const JsonFields& config, const Family& family, ModelShape& shape);       // Llama and its likes
Status read_gpt(const JsonFields& config, const Family& family, ModelShape& shape);         // GPT-2, OPT
Status read_falcon(const JsonFields& config, const Family& family, ModelShape& shape);      // Falcon
Status read_first_qwen(const JsonFields& config, const Family& family, ModelShape& shape);  // Qwen before Qwen2
Status read_mixtral(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_qwen_moe(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_minimax(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_mimo_flash(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_gpt_oss(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_llama4(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_deepseek(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_qwen_next(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_nemotron_h(const JsonFields& config, const Family& family, ModelShape& shape);
Status read_nemotron_nas(const JsonFields& config, const Family& family, ModelShape& shape);

// Experts without bias, shared experts and gate: what all mixtures state.
[[nodiscard]] Result<RoutedExperts> read_routed_experts(const JsonFields& config, int64_t hidden);

}  // namespace kerf
