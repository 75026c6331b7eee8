// A model as a command line wants it, checked as far as it can be before any rank is started.
#pragma once

#include <cstdint>
#include <filesystem>

#include "kerf/apps/options.h"
#include "kerf/base/result.h"
#include "kerf/spec/dtype.h"
#include "kerf/spec/model_spec.h"
#include "kerf/spec/quantization.h"

namespace kerf {

struct PreparedModel {
  std::filesystem::path dir;
  ModelSpec model;
  DType dtype;
  Quantization quantization;
  DType kv_cache_dtype;
  int64_t max_model_len;
};

// Fails when the model cannot be run as `options` say.
[[nodiscard]] Result<PreparedModel> prepare_model(const ModelOptions& options);

// "kerf: <message>" on stderr.
void complain(const Error& error);

}  // namespace kerf
