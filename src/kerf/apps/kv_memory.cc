#include "kerf/apps/kv_memory.h"

#include "kerf/apps/predict/shape_of.h"
#include "kerf/kernels/kernels.h"
#include "kerf/mesh/partition.h"
#include "kerf/planner/memory.h"

namespace kerf {

int64_t weight_bytes_of_rank(const ModelSpec& model, DType dtype, Quantization quantization, const Plan& plan,
                             int stage) {
  const ModelShape shape = shape_of(model, dtype, quantization);
  const PlanMemory memory = plan_memory(shape, {.name = "cpu"}, {.name = "kerf"}, plan, {});
  return static_cast<int64_t>(memory.stages.at(static_cast<size_t>(stage)).weight_bytes);
}

int64_t kv_block_bytes(const ModelSpec& model, const Plan& plan, int stage, int tp_rank, DType kv_cache_dtype) {
  const int64_t layers = stage_layers(model, plan, stage).size();
  const int64_t heads = cut_tensors(model, plan).kv_heads(tp_rank, model).size();
  return 2 * layers * heads * model.head_dim * kBlock * static_cast<int64_t>(size_of(kv_cache_dtype));
}

}  // namespace kerf
