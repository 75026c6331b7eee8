#include "kerf/io/model_shape/formats.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "kerf/io/json.h"
#include "kerf/io/model_shape.h"

namespace kerf {

namespace {

struct Alias {
  std::string_view name;
  std::string_view format;
};

// What vLLM's --quantization and --dtype, ModelOpt and Hugging Face ids call them.
constexpr std::array kAliases = {
    Alias{"none", "bf16"},
    Alias{"auto", "bf16"},
    Alias{"bfloat16", "bf16"},
    Alias{"half", "f16"},
    Alias{"fp16", "f16"},
    Alias{"float16", "f16"},
    Alias{"fp32", "f32"},
    Alias{"float32", "f32"},
    Alias{"float", "f32"},
    Alias{"fp8_pb_wo", "fp8_block"},
    Alias{"fp8_static_pertensor", "fp8"},
    Alias{"fp8_dynamic", "fp8"},
    Alias{"fbgemm_fp8", "fp8"},
    Alias{"ptpc_fp8", "fp8"},
    Alias{"modelopt", "fp8"},
    Alias{"w8a8_fp8", "fp8"},
    Alias{"w8a8", "int8"},
    Alias{"w8a8_int8", "int8"},
    Alias{"w8a16", "int8"},
    Alias{"smoothquant", "int8"},
    Alias{"w8a8_sq_per_channel", "int8"},
    Alias{"quantized.w8a8", "int8"},
    Alias{"quantized.w4a16", "int4"},
    Alias{"w4a16", "int4"},
    Alias{"awq_marlin", "awq"},
    Alias{"awq_int4", "awq"},
    Alias{"w4a16_awq", "awq"},
    Alias{"w4a8_awq", "awq"},
    Alias{"int4_awq", "awq"},
    Alias{"gptq_marlin", "gptq"},
    Alias{"gptq_int4", "gptq"},
    Alias{"bitsandbytes", "bnb_4bit"},
    Alias{"modelopt_fp4", "nvfp4"},
    Alias{"w4a16_nvfp4", "nvfp4"},
    Alias{"w4a8_nvfp4_fp8", "nvfp4"},
    Alias{"fp4", "nvfp4"},
    Alias{"w4a8_mxfp4_fp8", "mxfp4"},
    Alias{"mxfp4_pack_quantized", "mxfp4"},
};

constexpr int64_t kUsualGroup = 128;  // of AWQ and GPTQ checkpoints

std::string normal_name(std::string_view name) {
  std::string normal(name);
  for (char& c : normal) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return normal;
}

// Cuts "_g64" off; 128 where there is none, -1 where what follows is no group.
int64_t take_group(std::string& name) {
  const size_t at = name.rfind("_g");
  if (at == std::string::npos || at + 2 >= name.size() || name[at + 2] < '0' || name[at + 2] > '9') return kUsualGroup;
  int64_t group = 0;
  const auto [end, error] = std::from_chars(name.data() + at + 2, name.data() + name.size(), group);
  if (error != std::errc{} || end != name.data() + name.size() || group < 8 || group > 65'536) return -1;
  name.resize(at);
  return group;
}

}  // namespace

StorageFormat grouped_integers(std::string_view name, int64_t bits, int64_t group) {
  return {.name = std::string(name),
          .bits = static_cast<double>(bits),
          .group = group,
          .group_bits = group > 0 ? 16.0 + static_cast<double>(bits) : 0.0,
          .pack = 32 / bits};
}

std::optional<StorageFormat> storage_format(std::string_view name) {
  std::string normal = normal_name(name);
  const int64_t group = take_group(normal);
  if (group < 0) return {};
  for (const Alias& alias : kAliases) {
    if (alias.name == normal) normal = alias.format;
  }
  if (normal == "f32") return StorageFormat{.name = "f32", .bits = 32};
  if (normal == "bf16" || normal == "f16") return StorageFormat{.name = normal, .bits = 16};
  if (normal == "fp8" || normal == "int8") return StorageFormat{.name = normal, .bits = 8};
  // One f32 scale per 128 x 128 weights, DeepSeek-V3 (arXiv:2412.19437), section 3.3.2.
  if (normal == "fp8_block") return StorageFormat{.name = "fp8", .bits = 8, .group_bits = 32, .block = 128};
  if (normal == "int4" || normal == "awq" || normal == "gptq") return grouped_integers(normal, 4, group);
  if (normal == "gptq_int8") return grouped_integers("gptq", 8, group);
  // bitsandbytes: an f32 scale per 64 weights of the flattened tensor, which shards need not respect.
  if (normal == "bnb_4bit") return StorageFormat{.name = "int4", .bits = 4 + 32.0 / 64};
  // An fp8 scale per 16 weights; the second scale, one f32 per tensor, doesn't count.
  if (normal == "nvfp4") return StorageFormat{.name = "nvfp4", .bits = 4, .group = 16, .group_bits = 8};
  // A power of two of 8 bits per 32 weights: the OCP microscaling formats, version 1.0, section 5.2.
  if (normal == "mxfp4") {
    return StorageFormat{.name = "mxfp4", .bits = 4, .group = 32, .group_bits = 8, .padded = true};
  }
  return {};
}

void set_linear_formats(ModelShape& shape, const StorageFormat& format) {
  shape.attention_format = format;
  shape.mlp_format = format;
  shape.expert_format = format;
}

void set_all_formats(ModelShape& shape, const StorageFormat& format) {
  set_linear_formats(shape, format);
  shape.embedding_format = format;
  shape.head_format = format;
  shape.plain_bits = format.bits;
}

Status apply_quantization(ModelShape& model, std::string_view name) {
  const std::optional<StorageFormat> format = storage_format(name);
  if (!format) {
    return fail(
        "--quantization '{}' is unknown; expected none, bf16, fp16, f32, fp8, fp8_block, int8, int4, awq, gptq, nvfp4 "
        "or mxfp4",
        shown(name));
  }
  if (format->bits >= 16) {
    set_all_formats(model, *format);
    return Ok{};
  }
  const StorageFormat plain = *storage_format(model.embedding_format.name == "f16" ? "f16" : "bf16");
  set_all_formats(model, plain);
  // MXFP4 is for experts (gpt-oss); the NVFP4 checkpoints of models with latent attention leave attention alone.
  const bool latent = std::ranges::any_of(
      model.kinds, [](const LayerShape& kind) { return kind.attention.kind == AttentionKind::kLatent; });
  if (format->name == "mxfp4" && model.is_moe()) {
    model.expert_format = *format;
  } else {
    set_linear_formats(model, *format);
    if (format->name == "nvfp4" && latent) model.attention_format = plain;
  }
  return Ok{};
}

}  // namespace kerf
