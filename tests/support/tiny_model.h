// Tiny random checkpoints of any registered architecture, written as a Hugging Face directory.
//
// Weights depend on (seed, tensor name) alone, so the same options with another dtype or number of
// files hold the same values (rounded). Weights are N(0, 1 / fan_in), so logits vary sensibly.
//
//   const TinyModel model({.model_type = "qwen3", .kv_heads = 2, .dtype = DType::kBF16});
//   auto spec = load_model_spec(model.dir);
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kerf/base/check.h"
#include "kerf/spec/architecture.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_dir.h"

namespace kerf::testing {

struct TinyModelOptions {
  std::string model_type = "llama";
  int64_t hidden = 64;
  int64_t heads = 8;
  int64_t kv_heads = 4;
  int64_t head_dim = 16;
  int64_t intermediate = 96;
  int64_t layers = 4;
  int64_t vocab = 128;
  int64_t max_positions = 512;
  DType dtype = DType::kF32;
  int shards = 1;                                          // files
  std::optional<bool> tied = std::nullopt;                 // by default, what the architecture does
  nlohmann::json config_patch = nlohmann::json::object();  // merged over config.json (RFC 7386: null erases)
  uint64_t seed = 1;
};

struct NamedShape {
  std::string name;  // "model.layers.0.self_attn.q_proj.weight"
  std::vector<int64_t> shape;
};

// The tensors that a config.json of a registered architecture promises, read independently of
// kerf's own loader.
inline std::vector<NamedShape> expected_tensors(const nlohmann::json& config) {
  const Architecture* architecture = find_architecture(config.at("model_type").get<std::string>());
  KERF_CHECK(architecture != nullptr, "no such architecture");
  const LayerNames& names = architecture->names;
  const int64_t hidden = config.at("hidden_size");
  const int64_t intermediate = config.at("intermediate_size");
  const int64_t heads = config.at("num_attention_heads");
  const int64_t kv_heads = config.value("num_key_value_heads", heads);
  const int64_t head_dim = config.value("head_dim", hidden / heads);
  const bool attention_bias = config.value("attention_bias", false);
  const bool qkv_bias = architecture->qkv_bias || attention_bias;
  const bool o_bias = !architecture->qkv_bias && attention_bias;
  const bool mlp_bias = config.value("mlp_bias", false);

  std::vector<NamedShape> tensors;
  std::string prefix = "model.";
  const auto norm = [&](std::string_view name, int64_t size) {
    if (!name.empty()) tensors.push_back({prefix + std::string(name) + ".weight", {size}});
  };
  const auto linear = [&](std::string_view name, int64_t out, int64_t in, bool bias) {
    tensors.push_back({prefix + std::string(name) + ".weight", {out, in}});
    if (bias) tensors.push_back({prefix + std::string(name) + ".bias", {out}});
  };

  linear("embed_tokens", config.at("vocab_size"), hidden, false);
  for (int64_t layer = 0; layer < config.at("num_hidden_layers").get<int64_t>(); ++layer) {
    prefix = "model.layers." + std::to_string(layer) + ".";
    norm(names.input_norm, hidden);
    if (names.qkv.empty()) {
      linear(names.q, heads * head_dim, hidden, qkv_bias);
      linear(names.k, kv_heads * head_dim, hidden, qkv_bias);
      linear(names.v, kv_heads * head_dim, hidden, qkv_bias);
    } else {
      linear(names.qkv, (heads + 2 * kv_heads) * head_dim, hidden, qkv_bias);
    }
    if (architecture->qk_norm) {
      norm(names.q_norm, head_dim);
      norm(names.k_norm, head_dim);
    }
    linear(names.o, hidden, heads * head_dim, o_bias);
    norm(names.post_attention_norm, hidden);
    norm(names.mlp_norm, hidden);
    if (names.gate_up.empty()) {
      linear(names.gate, intermediate, hidden, mlp_bias);
      linear(names.up, intermediate, hidden, mlp_bias);
    } else {
      linear(names.gate_up, 2 * intermediate, hidden, mlp_bias);
    }
    linear(names.down, hidden, intermediate, mlp_bias);
    norm(names.post_mlp_norm, hidden);
  }
  prefix = "model.";
  norm("norm", hidden);
  prefix = "";
  if (!config.value("tie_word_embeddings", architecture->gemma))
    linear("lm_head", config.at("vocab_size"), hidden, false);
  return tensors;
}

inline nlohmann::json tiny_config(const TinyModelOptions& options) {
  const Architecture* architecture = find_architecture(options.model_type);
  KERF_CHECK(architecture != nullptr, "no such architecture");
  nlohmann::json config = {
      {"model_type", options.model_type},
      {"hidden_size", options.hidden},
      {"intermediate_size", options.intermediate},
      {"num_attention_heads", options.heads},
      {"num_key_value_heads", options.kv_heads},
      {"head_dim", options.head_dim},
      {"num_hidden_layers", options.layers},
      {"vocab_size", options.vocab},
      {"max_position_embeddings", options.max_positions},
      {"rms_norm_eps", 1e-5},
      {"rope_theta", 10000.0},
      {"tie_word_embeddings", options.tied.value_or(architecture->gemma)},
      {"torch_dtype", name_of(options.dtype)},
      {"bos_token_id", 1},
      {"eos_token_id", 2},
  };
  if (architecture->gemma) {
    config.update({{"hidden_activation", "gelu_pytorch_tanh"},
                   {"query_pre_attn_scalar", options.head_dim},
                   {"sliding_window", 16}});
  } else {
    config["hidden_act"] = "silu";
  }
  if (options.model_type == "gemma2")
    config.update({{"attn_logit_softcapping", 8.0}, {"final_logit_softcapping", 6.0}});
  if (options.model_type == "gemma3_text") {
    config.update({{"sliding_window_pattern", 2}, {"rope_local_base_freq", 5000.0}});
  }
  config.merge_patch(options.config_patch);
  return config;
}

// Random values of one tensor. A norm's weights lie near 1 (Gemma's, which multiply by 1 + w, near 0).
inline std::vector<float> tiny_weights(const NamedShape& tensor, bool gemma, uint64_t seed) {
  uint64_t hash = 14695981039346656037U ^ seed;  // FNV-1a
  for (const char c : tensor.name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::mt19937_64 rng(hash);
  const bool is_bias = tensor.name.ends_with(".bias");
  const bool is_norm = tensor.shape.size() == 1 && !is_bias;
  const double mean = is_norm && !gemma ? 1.0 : 0.0;
  const double deviation = is_norm || is_bias ? 0.1 : 1.0 / std::sqrt(static_cast<double>(tensor.shape[1]));
  std::normal_distribution<double> normal(mean, deviation);
  int64_t size = 1;
  for (const int64_t extent : tensor.shape) size *= extent;
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = static_cast<float>(normal(rng));
  return values;
}

class TinyModel {
 public:
  explicit TinyModel(const TinyModelOptions& options = {}) {
    dir = owner_.path();
    const nlohmann::json config = tiny_config(options);
    write_file(dir / "config.json", config.dump(2));
    write_file(dir / "generation_config.json", R"({"bos_token_id": 1, "eos_token_id": 2})");

    const std::vector<NamedShape> shapes = expected_tensors(config);
    const auto files = static_cast<size_t>(options.shards);
    nlohmann::json weight_map;
    for (size_t file = 0; file < files; ++file) {
      const std::string name =
          files == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", file + 1, files);
      std::vector<RawTensor> tensors;
      for (size_t i = file * shapes.size() / files; i < (file + 1) * shapes.size() / files; ++i) {
        const bool gemma = find_architecture(config.at("model_type").get<std::string>())->gemma;
        tensors.push_back(
            raw_tensor(shapes[i].name, options.dtype, shapes[i].shape, tiny_weights(shapes[i], gemma, options.seed)));
        weight_map[shapes[i].name] = name;
      }
      write_safetensors(dir / name, tensors);
    }
    if (files > 1) write_file(dir / "model.safetensors.index.json", nlohmann::json{{"weight_map", weight_map}}.dump(1));
  }

  std::filesystem::path dir;  // deleted with the object

 private:
  TempDir owner_;
};

}  // namespace kerf::testing
