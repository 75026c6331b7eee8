// A model to plan for, of which nothing but its shape is there.
#pragma once

#include "kerf/spec/model_spec.h"

namespace kerf::testing {

inline ModelSpec llama(int64_t layers, int64_t hidden) {
  ModelSpec model;
  model.model_type = "llama";
  model.hidden_size = hidden;
  model.intermediate_size = 4 * hidden;
  model.num_heads = 16;
  model.num_kv_heads = 4;
  model.head_dim = hidden / 16;
  model.vocab_size = 32000;
  model.max_positions = 4096;
  model.layers.resize(static_cast<size_t>(layers));
  model.checkpoint_dtype = DType::kBF16;
  return model;
}

}  // namespace kerf::testing
