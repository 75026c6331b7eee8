#include "kerf/io/model_shape/quantization.h"

#include <optional>
#include <string>

#include "kerf/io/model_shape/formats.h"
#include "kerf/io/model_shape/modules.h"

namespace kerf {

namespace {

constexpr IntegerRange kBits{2, 8};
constexpr IntegerRange kGroup{-1, 65'536};  // -1 = one per output channel

// A list of patterns under any of the names that tools use.
Status read_left_out(const JsonFields& fields, ModuleFormats& formats) {
  for (const char* name :
       {"modules_to_not_convert", "exclude_modules", "ignore", "ignored_layers", "llm_int8_skip_modules"}) {
    const nlohmann::json* list = fields.find(name);
    if (list == nullptr) continue;
    if (!list->is_array()) return fields.wrong(name, "a list of modules");
    for (const nlohmann::json& item : *list) {
      if (!item.is_string()) return fields.wrong(name, "a list of modules");
      formats.rules.push_back({.pattern = item.get<std::string>(), .format = {}});
    }
  }
  return Ok{};
}

// "FP8", or compressed-tensors' {"num_bits": 8, "type": "float"}.
Status read_kv_cache(const JsonFields& fields, ModelShape& shape) {
  for (const char* name : {"kv_cache_quant_algo", "kv_cache_scheme"}) {
    const nlohmann::json* value = fields.find(name);
    if (value == nullptr) continue;
    if (value->is_object()) {
      KERF_TRY(const JsonFields scheme, JsonFields::of(*value, fields.where() + ": " + name));
      KERF_TRY(const int64_t bits, scheme.integer("num_bits", kBits, 8));
      shape.kv_bits = static_cast<double>(bits);
      continue;
    }
    KERF_TRY(const std::string algorithm, fields.string(name));
    const std::optional<StorageFormat> format = storage_format(algorithm);
    if (!format) return fields.wrong(name, "FP8");
    shape.kv_bits = format->bits_per_weight();
  }
  return Ok{};
}

// ModelOpt's quant_algo; a group_size beside it goes before the format's own.
Result<StorageFormat> read_algorithm(const JsonFields& fields) {
  KERF_TRY(const std::string name, fields.string("quant_algo"));
  std::optional<StorageFormat> format = storage_format(name);
  if (!format) return fields.wrong("quant_algo", "FP8, FP8_PB_WO, NVFP4, MXFP4, W4A16_AWQ or MIXED_PRECISION");
  KERF_TRY(const int64_t group, fields.integer("group_size", kGroup, format->group));
  if (format->group > 0 && group > 0) format->group = group;
  return *format;
}

// {"quant_algo": …, "exclude_modules": […]}, or MIXED_PRECISION with a format for each module of "quantized_layers".
Status read_modelopt(const JsonFields& fields, ModuleFormats& formats) {
  KERF_TRY_STATUS(read_left_out(fields, formats));
  if (!fields.has("quant_algo")) return Ok{};
  KERF_TRY(const std::string algorithm, fields.string("quant_algo"));
  if (algorithm != "MIXED_PRECISION") {
    KERF_TRY(formats.otherwise, read_algorithm(fields));
    return Ok{};
  }
  KERF_TRY_STATUS(fields.object("quantized_layers"));
  for (const auto& [module, value] : fields.find("quantized_layers")->items()) {
    KERF_TRY(const JsonFields layer, JsonFields::of(value, fields.where() + ": quantized_layers: " + shown(module)));
    KERF_TRY(const StorageFormat format, read_algorithm(layer));
    formats.rules.push_back({.pattern = module, .format = format});
  }
  return Ok{};
}

// The "weights" of a group of compressed-tensors.
Result<StorageFormat> read_group_weights(const JsonFields& weights) {
  KERF_TRY(const int64_t bits, weights.integer("num_bits", kBits));
  KERF_TRY(const std::string type, weights.string("type", "int"));
  KERF_TRY(const std::string strategy, weights.string("strategy", ""));
  KERF_TRY(const int64_t group, weights.integer("group_size", kGroup, 0));
  if (type == "float" && bits == 8) return *storage_format(strategy == "block" ? "fp8_block" : "fp8");
  if (type == "float" && bits == 4) return *storage_format(group == 32 ? "mxfp4" : "nvfp4");
  if (type != "int") return weights.wrong("type", "int or float");
  if (bits == 8 && group <= 0) return *storage_format("int8");
  KERF_TRY(const bool symmetric, weights.boolean("symmetric", true));
  StorageFormat format = grouped_integers(bits == 4 ? "int4" : "int8", bits, std::max<int64_t>(group, 0));
  if (symmetric && group > 0) format.group_bits = 16;
  return format;
}

Status read_compressed_tensors(const JsonFields& fields, ModuleFormats& formats) {
  KERF_TRY_STATUS(read_left_out(fields, formats));
  KERF_TRY_STATUS(fields.object("config_groups"));
  for (const auto& [name, value] : fields.find("config_groups")->items()) {
    const std::string where = fields.where() + ": config_groups: " + shown(name);
    KERF_TRY(const JsonFields group, JsonFields::of(value, where));
    KERF_TRY(const JsonFields weights, group.object("weights"));
    KERF_TRY(const StorageFormat format, read_group_weights(weights));
    const nlohmann::json* targets = group.find("targets");
    if (targets == nullptr) formats.otherwise = format;
    for (const nlohmann::json& target : targets != nullptr ? *targets : nlohmann::json::array()) {
      if (!target.is_string()) return group.wrong("targets", "a list of modules");
      const auto pattern = target.get<std::string>();
      if (pattern == "Linear") {
        formats.otherwise = format;
      } else {
        formats.rules.push_back({.pattern = pattern, .format = format});
      }
    }
  }
  return Ok{};
}

Result<StorageFormat> read_fp8(const JsonFields& fields) {
  const nlohmann::json* block = fields.find("weight_block_size");
  if (block == nullptr) return *storage_format("fp8");
  if (!block->is_array() || block->size() != 2 || !(*block)[0].is_number_integer() || (*block)[0] != (*block)[1] ||
      (*block)[0] < 1 || (*block)[0] > 4096) {
    return fields.wrong("weight_block_size", "two equal sizes, as in [128, 128]");
  }
  StorageFormat format = *storage_format("fp8_block");
  format.block = (*block)[0].get<int64_t>();
  return format;
}

Result<StorageFormat> read_grouped(const JsonFields& fields, const std::string& method) {
  KERF_TRY(const int64_t bits, fields.integer(fields.has("w_bit") ? "w_bit" : "bits", kBits, 4));
  KERF_TRY(const int64_t group,
           fields.integer(fields.has("q_group_size") ? "q_group_size" : "group_size", kGroup, 128));
  return grouped_integers(method, bits, std::max<int64_t>(group, 0));
}

// bitsandbytes scales blocks of the flattened tensor, so that shards need not respect them.
Result<StorageFormat> read_bitsandbytes(const JsonFields& fields) {
  KERF_TRY(const bool old_eight, fields.boolean("_load_in_8bit", false));
  KERF_TRY(const bool eight, fields.boolean("load_in_8bit", old_eight));
  if (eight) return *storage_format("int8");
  KERF_TRY(const bool twice, fields.boolean("bnb_4bit_use_double_quant", false));
  // An f32 scale per 64 weights, or one of 8 bits with an f32 per 256 of them: arXiv:2305.14314, section 3.
  const double scale_bits = twice ? 8.0 / 64 + 32.0 / (64 * 256) : 32.0 / 64;
  return StorageFormat{.name = "int4", .bits = 4 + scale_bits};
}

// MLX quantises embedding and head too, with a scale and a bias of 16 bits for each group.
Status read_mlx(const JsonFields& fields, ModelShape& shape) {
  KERF_TRY(const int64_t bits, fields.integer("bits", kBits));
  KERF_TRY(const int64_t group, fields.integer("group_size", {1, kGroup.max}));
  const StorageFormat format{
      .name = bits == 4 ? "int4" : "int8", .bits = static_cast<double>(bits), .group = group, .group_bits = 32};
  set_linear_formats(shape, format);
  shape.embedding_format = format;
  shape.head_format = format;
  return Ok{};
}

Status read_method(const JsonFields& fields, const std::string& method, ModuleFormats& formats) {
  if (method == "modelopt" || method == "modelopt_fp4" || (method == "fp8" && fields.has("quant_algo"))) {
    return read_modelopt(fields, formats);
  }
  if (method == "compressed-tensors") return read_compressed_tensors(fields, formats);
  KERF_TRY_STATUS(read_left_out(fields, formats));
  if (method == "fp8" || method == "fbgemm_fp8") {
    KERF_TRY(formats.otherwise, read_fp8(fields));
  } else if (method == "awq" || method == "gptq") {
    KERF_TRY(formats.otherwise, read_grouped(fields, method));
  } else if (method == "bitsandbytes") {
    KERF_TRY(formats.otherwise, read_bitsandbytes(fields));
  } else if (method == "mxfp4") {
    formats.rules.push_back({.pattern = "experts", .format = storage_format("mxfp4")});
  } else {
    return fields.wrong("quant_method", "fp8, awq, gptq, modelopt, compressed-tensors, bitsandbytes or mxfp4");
  }
  return Ok{};
}

Status read_config(const JsonFields& fields, ModelShape& shape, ModuleFormats& formats) {
  KERF_TRY_STATUS(read_kv_cache(fields, shape));
  if (fields.has("quant_method")) {
    KERF_TRY(const std::string method, fields.string("quant_method"));
    return read_method(fields, method, formats);
  }
  if (fields.has("quant_algo")) return read_modelopt(fields, formats);
  if (fields.has("config_groups")) return read_compressed_tensors(fields, formats);
  return read_mlx(fields, shape);
}

}  // namespace

Status read_quantization(const JsonFields& config, const JsonFields* modelopt, ModelShape& shape) {
  ModuleFormats formats;
  if (modelopt != nullptr) {
    KERF_TRY(const JsonFields fields, modelopt->object("quantization"));
    KERF_TRY_STATUS(read_kv_cache(fields, shape));
    KERF_TRY_STATUS(read_modelopt(fields, formats));
  } else {
    for (const char* name : {"quantization_config", "quantization", "compression_config"}) {  // the second is MLX's
      if (!config.has(name)) continue;
      KERF_TRY(const JsonFields fields, config.object(name));
      KERF_TRY_STATUS(read_config(fields, shape, formats));
      break;
    }
  }
  if (formats.otherwise || !formats.rules.empty()) apply_formats(formats, shape);
  return Ok{};
}

}  // namespace kerf
