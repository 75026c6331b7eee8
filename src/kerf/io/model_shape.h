// Reads ModelShape, the planner's view of a model, from a Hugging Face config.json or from kerf's catalogue of models.
//
// Parameters are counted as the checkpoint holds them, part by part; multi-token prediction heads are counted apart
// (mtp_params). Towers for images and sound are named in `note`, and counted where the config describes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/spec/model_shape.h"

namespace kerf {

// where: "config.json", begins every error message. hf_quant_config: the text of ModelOpt's hf_quant_config.json, which
// goes before config.json's quantization_config; empty = there is none.
// Unknown architectures, and known ones whose parameters kerf cannot count, are refused with one sentence.
[[nodiscard]] Result<ModelShape> parse_model_shape(std::string_view config_json, std::string_view where,
                                                   std::string_view hf_quant_config = {});

// model: the path of a config.json or of a directory that holds one (with hf_quant_config.json beside it, where there
// is one), or a catalogue name. Names are compared without regard to case; "org/" in front, "Meta-", and endings such
// as
// "-Instruct" may be there or not; "-FP8", "-AWQ" and the like at the end quantise the model. An unknown name is
// refused with the nearest known ones.
[[nodiscard]] Result<ModelShape> load_model_shape(const std::string& model);

// The names of the catalogue's models, sorted.
[[nodiscard]] Result<std::vector<std::string>> model_names();

// Stores the weights as `--quantization name` would: "none", "bf16", "fp16", "f32", "fp8" (a scale per tensor),
// "fp8_block" (128 x 128), "int8", "int4", "awq", "gptq" (groups of 128; "awq-g64" for others), "nvfp4", "mxfp4", and
// vLLM's and ModelOpt's names for these. Embeddings, head, norms, biases and routers stay in 16 bits.
[[nodiscard]] Status apply_quantization(ModelShape& model, std::string_view name);

}  // namespace kerf
