#include "kerf/apps/prepared_model.h"

#include <cstdio>
#include <utility>

#include "kerf/apps/trace_file.h"
#include "kerf/comm/world.h"
#include "kerf/io/model_config.h"
#include "kerf/mesh/partition.h"

namespace kerf {

Result<PreparedModel> prepare_model(const ModelOptions& options) {
  KERF_TRY(std::filesystem::path dir, find_model(options.model));
  KERF_TRY(ModelSpec model, load_model_spec(dir));
  KERF_TRY(const DType dtype, choose_dtype(options, model));
  KERF_TRY(const DType kv_cache_dtype, choose_kv_cache_dtype(options, dtype));
  KERF_TRY(const Quantization quantization, quantization_from_name(options.quantization));
  KERF_TRY_STATUS(check_plan(model, options.plan));
  if (!options.trace.empty() && !started_by_mpi()) KERF_TRY_STATUS(check_trace_file(options.trace));
  const int64_t longest = options.max_model_len == 0 ? model.max_positions : options.max_model_len;
  if (longest > model.max_positions) {
    return fail("--max-model-len {} is more than the model's {} positions", longest, model.max_positions);
  }
  return PreparedModel{.dir = std::move(dir),
                       .model = std::move(model),
                       .dtype = dtype,
                       .quantization = quantization,
                       .kv_cache_dtype = kv_cache_dtype,
                       .max_model_len = longest};
}

void complain(const Error& error) { fmt::print(stderr, "kerf: {}\n", error.message); }

}  // namespace kerf
