#include "kerf/planner/cost.h"

#include <gtest/gtest.h>

#include <chrono>

#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/engine_catalog.h"

namespace kerf {
namespace {

struct Case {
  std::string model = "Llama-3.1-70B";
  std::string gpu = "H100-SXM";
  int per_node = 8;
  int nodes = 1;
  std::string engine = "vllm";
};

CostModel cost_model(const Case& of, const Workload& workload) {
  const ModelShape model = load_model_shape(of.model).value();
  const MachineSpec machine =
      gpu_cluster({.gpu = of.gpu, .gpus_per_node = of.per_node, .nodes = of.nodes, .network = ""}).value();
  return {model, machine, find_engine(of.engine).value(), workload};
}

TEST(Cost, TermsOfAStepAddUpToItsTime) {
  const CostModel cost = cost_model({}, {});
  const Prediction p = cost.predict({.tp = 4, .pp = 2});
  ASSERT_TRUE(p.fits) << p.why;
  EXPECT_GT(p.decode.weights_s, 0);
  EXPECT_GT(p.decode.all_reduce_s, 0);
  EXPECT_GT(p.decode.overhead_s, 0);
  EXPECT_GT(p.ttft_ms, p.tpot_ms);
  EXPECT_NEAR(p.e2e_ms, p.ttft_ms + 255 * p.tpot_ms, 1e-6 * p.e2e_ms);
  EXPECT_NEAR(p.comm_fraction, p.decode.comm_s() / p.decode.total(), 1e-9);
}

// FIELD 2: bandwidth / weight bytes is the ceiling of one sequence on one device.
TEST(Cost, DecodeIsNeverFasterThanReadingTheWeights) {
  for (const int tp : {2, 4, 8}) {
    const Prediction p = cost_model({}, {.isl = 128, .osl = 128, .concurrency = 1}).predict({.tp = tp});
    ASSERT_TRUE(p.fits) << p.why;
    const double ceiling_ms = 1e3 * 141.1e9 / (tp * 3350e9);
    EXPECT_GT(p.tpot_ms, ceiling_ms) << tp;
    EXPECT_LT(p.tpot_ms, 3 * ceiling_ms + 5) << tp;
  }
}

TEST(Cost, WeightsThatDoNotFitAreRefusedWithTheReason) {
  const Prediction p = cost_model({}, {}).predict({.tp = 1});
  EXPECT_FALSE(p.fits);
  EXPECT_NE(p.why.find("missing"), std::string::npos) << p.why;
}

TEST(Cost, MoreRanksThanDevicesAreRefused) {
  const Prediction p = cost_model({}, {}).predict({.tp = 8, .pp = 2});
  EXPECT_FALSE(p.fits);
  EXPECT_NE(p.why.find("16 devices"), std::string::npos) << p.why;
}

}  // namespace
}  // namespace kerf
