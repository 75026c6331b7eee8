#include "kerf/apps/predict/shape_of.h"

#include <map>

#include "kerf/kernels/kernels.h"

namespace kerf {

namespace {

StorageFormat stored_as(DType dtype) {
  StorageFormat format;
  format.name = dtype == DType::kF32 ? "f32" : dtype == DType::kF16 ? "f16" : "bf16";
  format.bits = 8 * static_cast<double>(size_of(dtype));
  return format;
}

LayerShape layer_of(const ModelSpec& model, int64_t window) {
  const int64_t q = model.num_heads * model.head_dim;
  const int64_t kv = model.num_kv_heads * model.head_dim;
  LayerShape layer;
  layer.attention.heads = model.num_heads;
  layer.attention.kv_heads = model.num_kv_heads;
  layer.attention.head_dim = model.head_dim;
  layer.attention.v_head_dim = model.head_dim;
  layer.attention.window = window;
  layer.attention.column_params = (q + 2 * kv) * model.hidden_size;
  layer.attention.kv_column_params = 2 * kv * model.hidden_size;
  layer.attention.row_params = q * model.hidden_size;
  layer.mlp.intermediate = model.intermediate_size;
  layer.mlp.dense_params = 3 * model.hidden_size * model.intermediate_size;
  layer.norm_params = (model.post_norms ? 4 : 2) * model.hidden_size;
  return layer;
}

}  // namespace

ModelShape shape_of(const ModelSpec& model, DType dtype, Quantization quantization, std::optional<DType> kv_dtype) {
  ModelShape shape;
  shape.model_type = model.model_type;
  shape.hidden_size = model.hidden_size;
  shape.vocab_size = model.vocab_size;
  shape.max_positions = model.max_positions;
  shape.tied_embeddings = model.tied_embeddings;
  shape.embedding_params = model.vocab_size * model.hidden_size;
  shape.head_params = model.tied_embeddings ? 0 : shape.embedding_params;
  shape.final_norm_params = model.hidden_size;
  std::map<int64_t, int> kinds;  // window → index of kinds
  for (const LayerSpec& layer : model.layers) {
    const auto [kind, is_new] = kinds.try_emplace(layer.window, static_cast<int>(shape.kinds.size()));
    if (is_new) shape.kinds.push_back(layer_of(model, layer.window));
    shape.layers.push_back(kind->second);
  }
  shape.attention_format = shape.mlp_format = shape.expert_format = shape.head_format = stored_as(dtype);
  if (quantization != Quantization::kNone) {
    StorageFormat format;
    format.name = name_of(quantization);
    format.bits = quantization == Quantization::kInt8 ? 8 : 4;
    format.group = 32;
    format.group_bits = 16;
    shape.attention_format = shape.mlp_format = shape.expert_format = format;
    format.name = "int8";  // the head's, whatever the layers have (spec/quantization.h)
    format.bits = 8;
    shape.head_format = format;
  }
  shape.embedding_format = stored_as(model.checkpoint_dtype);  // read where the checkpoint is mapped
  const DType cached = kv_dtype.value_or(dtype);
  shape.kv_bits =
      static_cast<double>(8 * kv_head_bytes(model.head_dim, cached)) / static_cast<double>(kBlock * model.head_dim);
  return shape;
}

}  // namespace kerf
