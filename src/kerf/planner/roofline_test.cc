// The roofline by hand: a machine of round figures, a model of one layer.
#include "kerf/planner/roofline.h"

#include <gtest/gtest.h>

#include "kerf/planner/probed_machine_for_test.h"

namespace kerf {
namespace {

class RooflineTest : public ::testing::Test {
 protected:
  // Two layers of 5 M weights and a head of 10 M, bf16: 40 MB a pass. 4 KB of keys and values a token.
  RooflineTest() {
    LayerShape layer;
    layer.attention.heads = 8;
    layer.attention.kv_heads = 8;
    layer.attention.head_dim = layer.attention.v_head_dim = 64;
    layer.attention.column_params = 1'000'000;
    layer.mlp.dense_params = 4'000'000;
    model_.head_params = 10'000'000;
    model_.add_layer(layer);
    model_.add_layer(layer);
  }
  [[nodiscard]] double seconds(int threads, const StepShape& step) const {
    return make_roofline_model(model_, machine_, threads)->stage({}, {}, step).total();
  }

  ModelShape model_;
  MachineSpec machine_ = testing::probed_machine();  // 20 GB/s and 100 GFLOP/s a core, 40 GB/s in all, 4 cores
};

TEST_F(RooflineTest, OneTokenIsBoundByReadingTheWeights) {
  EXPECT_NEAR(weight_bytes_per_pass(model_), 40e6, 1);
  EXPECT_NEAR(seconds(1, {.tokens = 1, .sequences = 1}), 40e6 / 20e9, 1e-9);
  EXPECT_NEAR(seconds(2, {.tokens = 1, .sequences = 1}), 40e6 / 40e9, 1e-9);
}

TEST_F(RooflineTest, CachedTokensAreReadToo) {
  const double bytes = 40e6 + 3 * 10'000 * 4096.0;
  EXPECT_NEAR(seconds(1, {.tokens = 3, .sequences = 3, .context = 10'000}), bytes / 20e9, 1e-9);
}

TEST_F(RooflineTest, AWindowBoundsWhatIsRead) {
  model_.kinds[0].attention.window = 100;
  EXPECT_NEAR(seconds(1, {.tokens = 1, .sequences = 1, .context = 10'000}), (40e6 + 100 * 4096.0) / 20e9, 1e-9);
}

TEST_F(RooflineTest, ManyTokensAreBoundByArithmetic) {
  const double ops = 2 * (10e6 * 1000 + 10e6 * 1);
  EXPECT_NEAR(seconds(1, {.tokens = 1000, .sequences = 1, .prefill = true}), ops / 100e9, 1e-9);
  EXPECT_NEAR(seconds(4, {.tokens = 1000, .sequences = 1, .prefill = true}), ops / 400e9, 1e-9);
}

TEST_F(RooflineTest, MoreThreadsThanCoresAddNothing) {
  const StepShape step{.tokens = 1000, .sequences = 1, .prefill = true};
  EXPECT_EQ(seconds(64, step), seconds(4, step));
}

TEST_F(RooflineTest, FewerBitsAreFewerBytes) {
  model_.attention_format = model_.mlp_format = {.name = "int4", .bits = 4, .group = 32, .group_bits = 16};
  EXPECT_NEAR(weight_bytes_per_pass(model_), 20e6 + 10e6 * 4.5 / 8, 1);
}

}  // namespace
}  // namespace kerf
