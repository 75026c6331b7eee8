#include "kerf/apps/kv_memory.h"

#include <gtest/gtest.h>

#include "kerf/apps/options.h"
#include "kerf/io/checkpoint.h"
#include "kerf/io/model_config.h"
#include "kerf/nn/kv_cache.h"

namespace kerf {
namespace {

const char* const kModel = "kerf-tales-7m";

TEST(KvMemory, ABlockTakesWhatTheCacheTakesForIt) {
  const ModelSpec model = load_model_spec(find_model(kModel).value()).value();
  const KvCache cache(model.num_layers(), model.num_kv_heads, model.head_dim, 3, DType::kF16);
  EXPECT_EQ(3 * kv_block_bytes(model, {}, 0, 0, DType::kF16), cache.bytes());
  EXPECT_EQ(kv_block_bytes(model, {.pp = 2}, 0, 0, DType::kF16) + kv_block_bytes(model, {.pp = 2}, 1, 0, DType::kF16),
            kv_block_bytes(model, {}, 0, 0, DType::kF16));
}

TEST(KvMemory, WeightsTakeWhatTheCheckpointHoldsAndShrinkWithCutsAndQuantisation) {
  const auto dir = find_model(kModel).value();
  const ModelSpec model = load_model_spec(dir).value();
  const auto bytes = [&](Quantization quantization, const Plan& plan) {
    return static_cast<double>(weight_bytes_of_rank(model, model.checkpoint_dtype, quantization, plan, 0));
  };
  const double whole = bytes(Quantization::kNone, {});
  const auto stored = static_cast<double>(Checkpoint::open(dir).value().total_bytes());
  EXPECT_NEAR(whole, stored, stored / 100);
  EXPECT_LT(bytes(Quantization::kInt8, {}), 0.7 * whole);
  EXPECT_LT(bytes(Quantization::kNone, {.tp = 2}), 0.6 * whole);
}

}  // namespace
}  // namespace kerf
