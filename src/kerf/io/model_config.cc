#include "kerf/io/model_config.h"

#include <fmt/ranges.h>

#include <cmath>

#include "kerf/io/checkpoint.h"
#include "kerf/io/generation_config.h"
#include "kerf/io/json.h"
#include "kerf/io/mapped_file.h"
#include "kerf/io/model_dir.h"
#include "kerf/io/rope_config.h"
#include "kerf/io/token_ids.h"
#include "kerf/spec/architecture.h"

namespace kerf {

namespace {

// Far above any model, low enough that no product of two of them overflows.
constexpr IntegerRange kLayers{1, 10'000};
constexpr IntegerRange kHeads{1, 10'000};
constexpr IntegerRange kHeadDim{2, 1024};
constexpr IntegerRange kWidth{1, 1'000'000};
constexpr IntegerRange kVocab{1, 10'000'000};
constexpr IntegerRange kPositions{1, int64_t{1} << 30};

Result<const Architecture*> architecture_of(const JsonFields& config) {
  KERF_TRY(const std::string model_type, config.string("model_type"));
  const Architecture* architecture = find_architecture(model_type);
  if (architecture != nullptr) return architecture;
  std::vector<std::string_view> known;
  for (const Architecture& row : architectures()) known.push_back(row.model_type);
  return fail("{}: unknown architecture '{}' (model_type); kerf knows {}", config.where(), shown(model_type),
              fmt::join(known, ", "));
}

Status refuse_quantised(const JsonFields& config) {
  for (const char* field : {"quantization_config", "quantization", "compression_config"}) {  // the second is MLX's
    if (!config.has(field)) continue;
    return fail("{}: '{}' is present; kerf cannot read quantised weights yet, use the float16 or bfloat16 model",
                config.where(), field);
  }
  return Ok{};
}

Status read_sizes(const JsonFields& config, const Architecture& architecture, ModelSpec& spec) {
  KERF_TRY(spec.hidden_size, config.integer("hidden_size", kWidth));
  KERF_TRY(spec.intermediate_size, config.integer("intermediate_size", kWidth));
  KERF_TRY(spec.num_heads, config.integer("num_attention_heads", kHeads));
  KERF_TRY(spec.num_kv_heads, config.integer("num_key_value_heads", kHeads, spec.num_heads));
  if (spec.num_heads % spec.num_kv_heads != 0) {
    return config.wrong("num_key_value_heads", fmt::format("a divisor of the {} heads", spec.num_heads));
  }
  const int64_t head_dim = architecture.head_dim > 0 ? architecture.head_dim : spec.hidden_size / spec.num_heads;
  KERF_TRY(spec.head_dim, config.integer("head_dim", kHeadDim, head_dim));
  if (spec.head_dim < kHeadDim.min || spec.head_dim > kHeadDim.max || spec.head_dim % 2 != 0) {
    return fail(
        "{}: heads of size {} (head_dim, or hidden_size / num_attention_heads); expected an even number from {} to {}",
        config.where(), spec.head_dim, kHeadDim.min, kHeadDim.max);
  }
  KERF_TRY(spec.vocab_size, config.integer("vocab_size", kVocab));
  KERF_TRY(spec.max_positions, config.integer("max_position_embeddings", kPositions));
  return Ok{};
}

// Whether the config's window applies to a layer; `first_windowed` is Qwen's max_window_layers,
// `pattern` Gemma-3's sliding_window_pattern.
bool has_window(Architecture::Window rule, int64_t layer, int64_t first_windowed, int64_t pattern) {
  switch (rule) {
    case Architecture::Window::kNever: return false;
    case Architecture::Window::kEveryLayer: return true;
    case Architecture::Window::kIfUseSlidingWindow: return layer >= first_windowed;
    case Architecture::Window::kEvenLayers: return layer % 2 == 0;
    case Architecture::Window::kPattern: return (layer + 1) % pattern != 0;
  }
  KERF_CHECK(false, "unnamed window rule");
}

// layer_types, where present, goes before the architecture's rule.
Status read_layers(const JsonFields& config, const Architecture& architecture, ModelSpec& spec) {
  KERF_TRY(const int64_t num_layers, config.integer("num_hidden_layers", kLayers));
  spec.layers.assign(static_cast<size_t>(num_layers), {});
  if (architecture.window == Architecture::Window::kNever) return Ok{};

  const int64_t by_default = config.mentions("sliding_window") ? 0 : architecture.sliding_window;  // null means none
  KERF_TRY(int64_t window, config.integer("sliding_window", {0, kPositions.max}, by_default));
  KERF_TRY(const bool enabled, config.boolean("use_sliding_window", false));
  if (architecture.window == Architecture::Window::kIfUseSlidingWindow && !enabled) window = 0;
  KERF_TRY(const int64_t first_windowed, config.integer("max_window_layers", {0, kLayers.max}, 28));
  const char* pattern_name =
      config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  KERF_TRY(const int64_t pattern, config.integer(pattern_name, {1, kLayers.max}, 6));

  const nlohmann::json* types = config.find("layer_types");
  if (types != nullptr && (!types->is_array() || types->size() != spec.layers.size())) {
    return config.wrong("layer_types", fmt::format("a list of num_hidden_layers = {}", num_layers));
  }
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    bool windowed = has_window(architecture.window, static_cast<int64_t>(i), first_windowed, pattern);
    if (types != nullptr) {
      const nlohmann::json& type = (*types)[i];
      windowed = type == "sliding_attention";
      if (!windowed && type != "full_attention") {
        return fail("{}: 'layer_types' holds {} for layer {}; expected full_attention or sliding_attention",
                    config.where(), describe(type), i);
      }
    }
    if (!windowed) continue;
    spec.layers[i] = {.window = window, .local_rope = architecture.window == Architecture::Window::kPattern};
  }
  return Ok{};
}

Status read_rope(const JsonFields& config, const Architecture& architecture, ModelSpec& spec) {
  KERF_TRY(spec.rope, parse_rope(config, "full_attention", architecture.rope_theta));
  spec.max_positions = scaled_positions(spec.rope, spec.max_positions);
  if (architecture.window != Architecture::Window::kPattern) return Ok{};
  const nlohmann::json* parameters = config.find("rope_parameters");
  if (parameters != nullptr && parameters->contains("sliding_attention")) {
    KERF_TRY(spec.local_rope, parse_rope(config, "sliding_attention", 10000.0));
  } else {  // rope_scaling is for the global layers alone
    KERF_TRY(spec.local_rope.theta, config.number("rope_local_base_freq", kPositive, 10000.0));
  }
  return Ok{};
}

Status read_arithmetic(const JsonFields& config, const Architecture& architecture, ModelSpec& spec) {
  KERF_TRY(spec.norm_eps, config.number("rms_norm_eps", kPositive));
  KERF_TRY(const bool attention_bias, config.boolean("attention_bias", false));
  spec.qkv_bias = architecture.qkv_bias || attention_bias;
  spec.output_bias = attention_bias && !architecture.qkv_bias;
  KERF_TRY(spec.mlp_bias, config.boolean("mlp_bias", false));
  KERF_TRY(spec.tied_embeddings, config.boolean("tie_word_embeddings", architecture.gemma));
  spec.qk_norm = architecture.qk_norm;

  spec.activation = architecture.activation;
  const char* field = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";  // the first is Gemma's
  if (config.has(field)) {
    KERF_TRY(const std::string name, config.string(field));
    if (name == "silu" || name == "swish") {
      spec.activation = Activation::kSilu;
    } else if (name == "gelu_pytorch_tanh" || name == "gelu_new") {
      spec.activation = Activation::kGeluTanh;
    } else {
      return config.wrong(field, "silu or gelu_pytorch_tanh");
    }
  }

  auto scaled_dim = static_cast<double>(spec.head_dim);
  if (architecture.gemma) {
    KERF_TRY(scaled_dim, config.number("query_pre_attn_scalar", kPositive, 256.0));
    const auto softcap = [&config](const char* name, double by_default) {  // null means none
      return config.number(name, kPositive, config.mentions(name) ? 0.0 : by_default);
    };
    KERF_TRY(spec.attention_softcap, softcap("attn_logit_softcapping", architecture.attention_softcap));
    KERF_TRY(spec.logit_softcap, softcap("final_logit_softcapping", architecture.logit_softcap));
    spec.embedding_scale = std::sqrt(static_cast<double>(spec.hidden_size));
    spec.norm_adds_one = true;
    spec.post_norms = true;
  }
  spec.attention_scale = 1.0 / std::sqrt(scaled_dim);
  return Ok{};
}

// Nothing where config.json is silent.
Result<std::optional<DType>> stated_dtype(const JsonFields& config) {
  const char* field = config.has("torch_dtype") ? "torch_dtype" : "dtype";
  if (!config.has(field)) return std::optional<DType>();
  KERF_TRY(const std::string name, config.string(field));
  const Result<DType> dtype = dtype_from_name(name);
  if (!dtype.ok()) return config.wrong(field, "float32, float16 or bfloat16");
  return std::optional(dtype.value());
}

struct ParsedConfig {
  ModelSpec spec;
  bool dtype_stated = false;
};

Result<ParsedConfig> parse_config(std::string_view text, std::string_view file_name) {
  KERF_TRY(const nlohmann::json json, parse_json(text, file_name));
  KERF_TRY(const JsonFields config, JsonFields::of(json, std::string(file_name)));
  KERF_TRY(const Architecture* const architecture, architecture_of(config));
  KERF_TRY_STATUS(refuse_quantised(config));

  ModelSpec spec;
  spec.model_type = architecture->model_type;
  KERF_TRY_STATUS(read_sizes(config, *architecture, spec));
  KERF_TRY_STATUS(read_layers(config, *architecture, spec));
  KERF_TRY_STATUS(read_rope(config, *architecture, spec));
  KERF_TRY_STATUS(read_arithmetic(config, *architecture, spec));
  KERF_TRY(const std::optional<DType> dtype, stated_dtype(config));
  spec.checkpoint_dtype = dtype.value_or(DType::kF32);
  KERF_TRY(const std::vector<int32_t> bos, token_ids(config, "bos_token_id"));
  if (!bos.empty()) spec.bos_id = bos.front();
  KERF_TRY(spec.eos_ids, token_ids(config, "eos_token_id"));
  return ParsedConfig{std::move(spec), dtype.has_value()};
}

}  // namespace

Result<ModelSpec> parse_model_spec(std::string_view config_json, std::string_view file_name) {
  KERF_TRY(ParsedConfig config, parse_config(config_json, file_name));
  return std::move(config.spec);
}

Result<ModelSpec> load_model_spec(const std::filesystem::path& dir) {
  KERF_TRY_STATUS(require_model_dir(dir));
  std::error_code error;
  if (const auto quantised = dir / "hf_quant_config.json"; std::filesystem::exists(quantised, error)) {
    return fail("{} is present; kerf cannot read quantised weights yet, use the float16 or bfloat16 model",
                quantised.string());
  }
  const std::filesystem::path path = dir / "config.json";
  KERF_TRY(const MappedFile file, MappedFile::open(path));
  KERF_TRY(ParsedConfig config, parse_config(file.text(), path.string()));
  ModelSpec& spec = config.spec;

  KERF_TRY(GenerationDefaults generation, load_generation_defaults(dir));
  if (generation.bos_id) spec.bos_id = *generation.bos_id;
  if (!generation.eos_ids.empty()) spec.eos_ids = std::move(generation.eos_ids);

  if (!config.dtype_stated) {
    const Result<Checkpoint> checkpoint = Checkpoint::open(dir);
    const TensorInfo* embedding = checkpoint.ok() ? checkpoint->find("model.embed_tokens.weight") : nullptr;
    if (embedding != nullptr && embedding->dtype) spec.checkpoint_dtype = *embedding->dtype;
  }
  return std::move(spec);
}

}  // namespace kerf
