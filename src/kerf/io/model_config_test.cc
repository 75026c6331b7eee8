#include "kerf/io/model_config.h"

#include <gmock/gmock.h>

#include <cmath>

#include "kerf/spec/architecture.h"
#include "tests/support/conformance.h"
#include "tests/support/errors.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

using nlohmann::json;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TempDir;
using testing::TinyModel;
using testing::TinyModelOptions;
using testing::write_file;

// The facts that a tiny config states after a patch (RFC 7386: null erases a field).
Result<ModelSpec> parse(const std::string& model_type, const json& patch = json::object()) {
  TinyModelOptions options{.model_type = model_type, .config_patch = patch};
  return parse_model_spec(testing::tiny_config(options).dump(), "config.json");
}

ModelSpec spec_of(const std::string& model_type, const json& patch = json::object()) {
  auto spec = parse(model_type, patch);
  EXPECT_TRUE(spec.ok()) << spec.error().message;
  return spec.ok() ? std::move(spec).value() : ModelSpec{};
}

std::string refusal(const json& patch, const std::string& model_type = "llama") {
  return error_of(parse(model_type, patch));
}

std::vector<int64_t> windows(const ModelSpec& spec) {
  std::vector<int64_t> result;
  for (const LayerSpec& layer : spec.layers) result.push_back(layer.window);
  return result;
}

using Windows = std::vector<int64_t>;

TEST(ModelConfig, ReadsEveryArchitecture) {
  for (const Architecture& architecture : architectures()) {
    const ModelSpec spec = spec_of(std::string(architecture.model_type));
    EXPECT_EQ(spec.model_type, architecture.model_type);
    EXPECT_EQ(spec.hidden_size, 64);
    EXPECT_EQ(spec.num_layers(), 4);
    EXPECT_EQ(spec.norm_eps, 1e-5);
    EXPECT_EQ(spec.bos_id, 1);
    EXPECT_EQ(spec.eos_ids, std::vector<int32_t>{2});
    EXPECT_DOUBLE_EQ(spec.attention_scale, 0.25);
  }
}

TEST(ModelConfig, AssumesWhatTransformersAssumes) {
  const json silent = {{"head_dim", nullptr},     {"num_key_value_heads", nullptr}, {"tie_word_embeddings", nullptr},
                       {"torch_dtype", nullptr},  {"rope_theta", nullptr},          {"bos_token_id", nullptr},
                       {"eos_token_id", nullptr}, {"hidden_act", nullptr}};
  const ModelSpec llama = spec_of("llama", silent);
  EXPECT_EQ(llama.head_dim, 8);
  EXPECT_EQ(llama.num_kv_heads, 8);
  EXPECT_FALSE(llama.tied_embeddings);
  EXPECT_EQ(llama.checkpoint_dtype, DType::kF32);
  EXPECT_EQ(llama.rope.theta, 10000);
  EXPECT_EQ(llama.bos_id, -1);
  EXPECT_TRUE(llama.eos_ids.empty());
  EXPECT_EQ(llama.activation, Activation::kSilu);
  EXPECT_EQ(spec_of("qwen3", silent).head_dim, 128);
  EXPECT_EQ(spec_of("gemma3_text", silent).rope.theta, 1e6);
  EXPECT_TRUE(spec_of("gemma2", silent).tied_embeddings);
}

TEST(ModelConfig, KnowsWhereBiasesAre) {
  EXPECT_FALSE(spec_of("llama").qkv_bias);
  const ModelSpec llama = spec_of("llama", {{"attention_bias", true}, {"mlp_bias", true}});
  EXPECT_TRUE(llama.qkv_bias && llama.output_bias && llama.mlp_bias);
  const ModelSpec qwen2 = spec_of("qwen2");
  EXPECT_TRUE(qwen2.qkv_bias);
  EXPECT_FALSE(qwen2.output_bias);
  EXPECT_FALSE(spec_of("qwen3").qkv_bias);
}

TEST(ModelConfig, ReadsSlidingWindows) {
  EXPECT_EQ(windows(spec_of("llama", {{"sliding_window", 8}})), (Windows{0, 0, 0, 0}));
  EXPECT_EQ(windows(spec_of("mistral", {{"sliding_window", 8}})), (Windows{8, 8, 8, 8}));
  EXPECT_EQ(windows(spec_of("mistral")), (Windows{4096, 4096, 4096, 4096}));  // not mentioned
  EXPECT_EQ(windows(spec_of("gemma2", {{"sliding_window", 8}})), (Windows{8, 0, 8, 0}));
  EXPECT_EQ(windows(spec_of("phi3", {{"sliding_window", 8}})), (Windows{8, 8, 8, 8}));

  std::string text = testing::tiny_config({.model_type = "mistral"}).dump();
  text.back() = ',';
  EXPECT_EQ(windows(parse_model_spec(text + R"("sliding_window": null})", "f").value()), (Windows{0, 0, 0, 0}));
}

TEST(ModelConfig, QwenSlidesOnlyWhenToldTo) {
  json window = {{"sliding_window", 8}, {"max_window_layers", 2}};
  EXPECT_EQ(windows(spec_of("qwen2", window)), (Windows{0, 0, 0, 0}));
  window["use_sliding_window"] = true;
  EXPECT_EQ(windows(spec_of("qwen2", window)), (Windows{0, 0, 8, 8}));
}

TEST(ModelConfig, LayerTypesGoBeforeTheRule) {
  const json types = {"full_attention", "sliding_attention", "sliding_attention", "full_attention"};
  EXPECT_EQ(windows(spec_of("gemma2", {{"sliding_window", 8}, {"layer_types", types}})), (Windows{0, 8, 8, 0}));
  EXPECT_EQ(refusal({{"layer_types", {"full_attention"}}}, "mistral"),
            "config.json: 'layer_types' is a list of 1; expected a list of num_hidden_layers = 4");
  EXPECT_EQ(refusal({{"layer_types", {"full_attention", "linear_attention", "", ""}}}, "mistral"),
            "config.json: 'layer_types' holds 'linear_attention' for layer 1; expected full_attention or "
            "sliding_attention");
}

TEST(ModelConfig, ReadsGemma) {
  const ModelSpec gemma2 = spec_of("gemma2", {{"query_pre_attn_scalar", 100}});
  EXPECT_DOUBLE_EQ(gemma2.attention_scale, 0.1);
  EXPECT_DOUBLE_EQ(gemma2.embedding_scale, 8.0);
  EXPECT_EQ(gemma2.attention_softcap, 8.0);
  EXPECT_EQ(gemma2.logit_softcap, 6.0);
  EXPECT_TRUE(gemma2.norm_adds_one && gemma2.post_norms && gemma2.tied_embeddings);
  EXPECT_FALSE(gemma2.qk_norm);
  EXPECT_EQ(gemma2.activation, Activation::kGeluTanh);
  EXPECT_EQ(spec_of("gemma2", {{"final_logit_softcapping", nullptr}}).logit_softcap, 30.0);  // not mentioned

  const ModelSpec gemma3 =
      spec_of("gemma3_text", {{"rope_theta", 1e6}, {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}});
  EXPECT_TRUE(gemma3.qk_norm);
  EXPECT_EQ(gemma3.attention_softcap, 0);
  EXPECT_EQ(windows(gemma3), (Windows{16, 0, 16, 0}));
  EXPECT_TRUE(gemma3.layers[0].local_rope);
  EXPECT_FALSE(gemma3.layers[1].local_rope);
  EXPECT_EQ(gemma3.rope.scaling, RopeSpec::Scaling::kLinear);
  EXPECT_EQ(gemma3.rope.theta, 1e6);
  EXPECT_EQ(gemma3.local_rope.scaling, RopeSpec::Scaling::kNone);
  EXPECT_EQ(gemma3.local_rope.theta, 5000);
}

TEST(ModelConfig, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refusal({{"hidden_size", 0}}),
            "config.json: 'hidden_size' is 0; expected a whole number from 1 to 1000000");
  EXPECT_EQ(refusal({{"hidden_size", nullptr}}),
            "config.json: 'hidden_size' is missing; expected a whole number from 1 to 1000000");
  EXPECT_EQ(refusal({{"num_hidden_layers", 1e9}}),
            "config.json: 'num_hidden_layers' is 1000000000.0; expected a whole number from 1 to 10000");
  EXPECT_EQ(refusal({{"num_key_value_heads", 3}}),
            "config.json: 'num_key_value_heads' is 3; expected a divisor of the 8 heads");
  EXPECT_EQ(refusal({{"head_dim", 15}}),
            "config.json: heads of size 15 (head_dim, or hidden_size / num_attention_heads); expected an even number "
            "from 2 to 1024");
  EXPECT_THAT(refusal({{"head_dim", nullptr}, {"hidden_size", 6}}), HasSubstr("heads of size 0"));
  EXPECT_EQ(refusal({{"rms_norm_eps", 0}}), "config.json: 'rms_norm_eps' is 0; expected a positive number");
  EXPECT_EQ(refusal({{"vocab_size", "many"}}),
            "config.json: 'vocab_size' is 'many'; expected a whole number from 1 to 10000000");
  EXPECT_EQ(refusal({{"hidden_act", "relu"}}),
            "config.json: 'hidden_act' is 'relu'; expected silu or gelu_pytorch_tanh");
  EXPECT_EQ(refusal({{"torch_dtype", "float8"}}),
            "config.json: 'torch_dtype' is 'float8'; expected float32, float16 or bfloat16");
  EXPECT_EQ(refusal({{"eos_token_id", {1, -2}}}),
            "config.json: 'eos_token_id' is a list of 2; expected a token id >= 0, or a list of them");
  EXPECT_EQ(refusal({{"tie_word_embeddings", "yes"}}),
            "config.json: 'tie_word_embeddings' is 'yes'; expected true or false");
}

TEST(ModelConfig, NamesTheFieldThatIsNaN) {
  std::string text = testing::tiny_config({}).dump();
  text.replace(text.find("1e-05"), 5, "NaN");
  EXPECT_EQ(error_of(parse_model_spec(text, "config.json")),
            "config.json: 'rms_norm_eps' is NaN; expected a finite number");
}

TEST(ModelConfig, RefusesWhatItCannotCompute) {
  EXPECT_EQ(refusal({{"model_type", "mixtral"}}),
            "config.json: unknown architecture 'mixtral' (model_type); kerf knows llama, mistral, qwen2, qwen3, phi3, "
            "gemma2, gemma3_text");
  EXPECT_EQ(refusal({{"model_type", nullptr}}), "config.json: 'model_type' is missing; expected a string");
  EXPECT_EQ(refusal({{"quantization_config", {{"quant_method", "awq"}}}}),
            "config.json: 'quantization_config' is present; kerf cannot read quantised weights yet, use the float16 or "
            "bfloat16 model");
  EXPECT_EQ(error_of(parse_model_spec("[]", "config.json")), "config.json: a list of 0; expected an object {...}");
}

TEST(ModelConfig, GenerationConfigKnowsTheEndTokens) {
  const TinyModel model;
  EXPECT_EQ(load_model_spec(model.dir)->eos_ids, std::vector<int32_t>{2});
  write_file(model.dir / "generation_config.json", R"({"eos_token_id": [7, 3], "bos_token_id": 5})");
  const auto spec = load_model_spec(model.dir);
  EXPECT_EQ(spec->eos_ids, (std::vector<int32_t>{7, 3}));
  EXPECT_EQ(spec->bos_id, 5);
  std::filesystem::remove(model.dir / "generation_config.json");
  EXPECT_EQ(load_model_spec(model.dir)->eos_ids, std::vector<int32_t>{2});
}

TEST(ModelConfig, TakesAnUnstatedDtypeFromTheWeights) {
  const TinyModel model({.dtype = DType::kBF16, .config_patch = {{"torch_dtype", nullptr}}});
  EXPECT_EQ(load_model_spec(model.dir)->checkpoint_dtype, DType::kBF16);
}

TEST(ModelConfig, RefusesWeightsThatASideFileCallsQuantised) {  // as NVIDIA's exporter does
  const TinyModel model;
  write_file(model.dir / "hf_quant_config.json", "{}");
  EXPECT_EQ(error_of(load_model_spec(model.dir)),
            (model.dir / "hf_quant_config.json").string() +
                " is present; kerf cannot read quantised weights yet, use the float16 or bfloat16 model");
}

TEST(ModelConfig, SaysWhichFileIsMissing) {
  const TempDir dir;
  const std::string where = dir.path().string();
  EXPECT_EQ(error_of(load_model_spec(dir.path() / "x")),
            "there is no directory " + where + "/x; give a Hugging Face model directory");
  write_file(dir.path() / "f", "x");
  EXPECT_EQ(error_of(load_model_spec(dir.path() / "f")),
            where + "/f is a file; give the model directory that holds it");
  EXPECT_EQ(error_of(load_model_spec(dir.path())), "cannot read " + where + "/config.json: No such file or directory");
}

// Every config of the conformance data is understood or refused by a sentence about itself.
TEST(ModelConfig, ReadsOrRefusesRealConfigs) {
  KERF_REQUIRE_CONFORMANCE("configs");
  int read = 0;
  int refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::conformance_dir() / "configs")) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with("config.json") || file.ends_with("hf_quant_config.json")) continue;
    SCOPED_TRACE(file);
    const std::string text = testing::read_file(entry.path());
    const auto spec = parse_model_spec(text, file);
    const auto config = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (config.is_discarded()) {  // some real ones hold Python's Infinity
      EXPECT_THAT(error_of(spec), HasSubstr("expected a finite number"));
      ++refused;
      continue;
    }
    const bool known = find_architecture(config.at("model_type").get<std::string>()) != nullptr;
    if (!known || config.contains("quantization_config")) {
      EXPECT_THAT(error_of(spec), ::testing::AnyOf(HasSubstr("unknown architecture"), HasSubstr("quantised weights")));
      ++refused;
      continue;
    }
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    EXPECT_EQ(spec->num_layers(), config["num_hidden_layers"]);
    EXPECT_EQ(spec->num_kv_heads, config["num_key_value_heads"]);
    ++read;
  }
  EXPECT_EQ(read, 13);
  EXPECT_EQ(refused, 84);
}

TEST(ModelConfig, PromisesTheTensorsOfRealIndexes) {
  KERF_REQUIRE_CONFORMANCE("configs/index");
  for (const char* name : {"llama-3.2-3B", "Reflection-Llama-3.1-70B", "deepcogito-cogito-v1-preview-qwen-14B",
                           "mistralai-Devstral-Small-2507"}) {
    SCOPED_TRACE(name);
    const auto base = testing::conformance_dir() / "configs" / "index" / name;
    const auto config = json::parse(testing::read_file(base.string() + ".config.json"));
    const auto index = json::parse(testing::read_file(base.string() + ".index.json"));
    size_t promised = 0;
    for (const auto& tensor : testing::expected_tensors(config)) {
      EXPECT_TRUE(index["weight_map"].contains(tensor.name)) << tensor.name;
      ++promised;
    }
    EXPECT_EQ(promised, index["weight_map"].size());
  }
}

TEST(ModelConfig, ReadsTheFactsOfConformanceModels) {
  KERF_REQUIRE_CONFORMANCE("models");
  const auto load = [](const std::string& name) {
    auto spec = load_model_spec(testing::conformance_dir() / "models" / name);
    EXPECT_TRUE(spec.ok()) << spec.error().message;
    return spec.ok() ? std::move(spec).value() : ModelSpec{};
  };
  EXPECT_EQ(windows(load("gemma2")), (Windows{20, 0, 20, 0}));
  EXPECT_EQ(windows(load("gemma3")), (Windows{16, 16, 0, 16, 16}));
  EXPECT_EQ(windows(load("mistral")), (Windows{0, 0, 0}));
  EXPECT_EQ(windows(load("mistral-swa")), (Windows{24, 24, 24}));
  EXPECT_EQ(windows(load("qwen2")), (Windows{0, 0, 0}));
  EXPECT_EQ(load("llama3-rope").rope.scaling, RopeSpec::Scaling::kLlama3);
  const ModelSpec yarn = load("qwen3-yarn");
  EXPECT_EQ(yarn.rope.original_max_positions, 32);
  EXPECT_DOUBLE_EQ(yarn.rope.attention_factor, 0.1 * std::log(4.0) + 1.0);
  EXPECT_EQ(load("llama-gqa-bf16").checkpoint_dtype, DType::kBF16);
  EXPECT_EQ(load("phi3").head_dim, 32);

  for (const char* name : {"mixtral", "qwen3moe", "llama-awq", "llama-awq-ragged", "llama-gptq"}) {
    EXPECT_FALSE(load_model_spec(testing::conformance_dir() / "models" / name).ok()) << name;
  }
}

}  // namespace
}  // namespace kerf
