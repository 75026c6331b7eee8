#include "kerf/io/model_shape.h"

#include <fmt/ranges.h>

#include "kerf/io/json.h"
#include "kerf/io/model_shape/family.h"
#include "kerf/io/model_shape/formats.h"
#include "kerf/io/model_shape/quantization.h"
#include "kerf/io/model_shape/towers.h"

namespace kerf {

namespace {

constexpr JsonLimits kConfigLimits{.max_bytes = size_t{16} << 20};  // ModelOpt lists every layer it left out

// Fields that count for the language model wherever they stand.
constexpr const char* kOuterFields[] = {"tie_word_embeddings", "torch_dtype", "dtype", "quantization_config",
                                        "compression_config"};

// The language model of one that also sees or hears, or the config itself.
nlohmann::json language_model(const nlohmann::json& config) {
  for (const char* name : {"text_config", "llm_config", "language_config"}) {
    const auto found = config.find(name);
    if (found == config.end() || !found->is_object()) continue;
    nlohmann::json text = *found;
    for (const char* field : kOuterFields) {
      if (config.contains(field) && !config[field].is_null() && !text.contains(field)) text[field] = config[field];
    }
    if (!text.contains("model_type") && config.contains("model_type")) text["model_type"] = config["model_type"];
    return text;
  }
  return config;
}

Status read_dtype(const JsonFields& config, ModelShape& shape) {
  const char* field = config.has("dtype") ? "dtype" : "torch_dtype";
  KERF_TRY(const std::string name, config.string(field, "bfloat16"));
  const std::optional<StorageFormat> format = storage_format(name);
  if (!format) return config.wrong(field, "bfloat16, float16 or float32");
  set_all_formats(shape, *format);
  return Ok{};
}

Status read_formats(const JsonFields& config, std::string_view where, std::string_view hf_quant_config,
                    ModelShape& shape) {
  if (hf_quant_config.empty()) return read_quantization(config, nullptr, shape);
  const std::string beside = fmt::format("hf_quant_config.json beside {}", where);
  KERF_TRY(const nlohmann::json json, parse_json(hf_quant_config, beside, kConfigLimits));
  KERF_TRY(const JsonFields modelopt, JsonFields::of(json, beside));
  return read_quantization(config, &modelopt, shape);
}

// So that heads come in groups, and no sum of parameters overflows. The largest model known has 3e12.
Status check_shape(std::string_view where, const ModelShape& shape) {
  if (shape.num_layers() < 1 || shape.num_layers() > kLayers.max) {
    return fail("{}: {} layers; expected 1 to {}", where, shape.num_layers(), kLayers.max);
  }
  for (const LayerShape& kind : shape.kinds) {
    const AttentionShape& a = kind.attention;
    if (a.kv_heads > 0 && a.heads % a.kv_heads != 0) {
      return fail("{}: {} heads over {} key-value heads; expected a multiple", where, a.heads, a.kv_heads);
    }
  }
  double params = 0;
  for (const int kind : shape.layers) params += static_cast<double>(shape.kinds[static_cast<size_t>(kind)].params());
  if (params > 1e17) return fail("{}: {:.1e} parameters; expected at most 1e17", where, params);
  return Ok{};
}

}  // namespace

Result<ModelShape> parse_model_shape(std::string_view config_json, std::string_view where,
                                     std::string_view hf_quant_config) {
  KERF_TRY(const nlohmann::json whole, parse_json(config_json, where, kConfigLimits));
  KERF_TRY_STATUS(JsonFields::of(whole, std::string(where)));
  const nlohmann::json text = language_model(whole);
  KERF_TRY(const JsonFields config, JsonFields::of(text, std::string(where)));
  ModelShape shape;
  KERF_TRY(shape.model_type, config.string("model_type"));
  const Family* family = find_family(shape.model_type);
  if (family == nullptr) {
    return fail("{}: unknown architecture '{}' (model_type); kerf can plan for {}", where, shown(shape.model_type),
                fmt::join(known_families(), ", "));
  }
  shape.name = std::string(where);
  KERF_TRY_STATUS(read_dtype(config, shape));
  KERF_TRY_STATUS(family->read(config, *family, shape));
  KERF_TRY_STATUS(check_shape(where, shape));
  KERF_TRY_STATUS(read_formats(config, where, hf_quant_config, shape));
  KERF_TRY_STATUS(read_towers(whole, where, shape));
  return shape;
}

}  // namespace kerf
