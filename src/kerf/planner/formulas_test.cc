// Every formula and number of the field that the planner rests on (memory's are in memory_test.cc).
#include "kerf/planner/formulas.h"

#include <gtest/gtest.h>

#include <array>

#include "kerf/io/catalog/devices.h"
#include "kerf/io/model_shape.h"
#include "kerf/io/topology/gpu_cluster.h"
#include "kerf/planner/collectives.h"
#include "kerf/planner/device_paths.h"
#include "kerf/planner/fabrics.h"

namespace kerf {
namespace {

constexpr double kMicro = 1e-6;
constexpr double kKiB = 1024;

// An all-reduce over `ranks` devices of one node, in microseconds.
double all_reduce_us(const std::string& gpu, int ranks, double bytes, const std::string& family) {
  const MachineSpec machine = gpu_cluster({.gpu = gpu, .gpus_per_node = 8, .nodes = 1, .network = ""}).value();
  const DevicePaths paths(machine, FabricCatalog::read().value());
  const Group& group = paths.tp_group({.tp = ranks});
  Families families = families_of(group.fabric, family);
  if (family != "nccl") families[1] = nullptr;  // this implementation alone
  return collective_s(CollectiveOp::kAllReduce, bytes, group, families) / kMicro;
}

TEST(Formulas, DecodeCannotBeFasterThanReadingTheWeights) {
  EXPECT_NEAR(decode_ceiling_tokens_per_s(2e12, 140e9), 14, 0.3);
}

TEST(Formulas, TwoAllReducesPerLayer) {
  EXPECT_EQ(all_reduces_per_pass(32), 64);
  EXPECT_EQ(all_reduces_per_pass(80), 160);
}

TEST(Formulas, OneTokenOf70BAtTp4Sends3_93MB) {
  const ModelShape model = load_model_shape("Llama-3-70B").value();
  EXPECT_DOUBLE_EQ(hand_off_bytes(1, model.hidden_size, 2), 16 * kKiB);
  EXPECT_DOUBLE_EQ(ring_all_reduce_bytes(4, 16 * kKiB), 24 * kKiB);
  EXPECT_NEAR(all_reduce_bytes_per_pass(model, 4, 1, 2), 3.93e6, 0.01e6);
}

TEST(Formulas, RingTakesItsStepsAndItsBytes) {
  const Wire latency_only{.latency_s = kMicro, .bytes_per_s = 1e30};
  const Wire bandwidth_only{.latency_s = 0, .bytes_per_s = 1e9};
  EXPECT_NEAR(ring_s(CollectiveOp::kAllReduce, 8, 1e6, latency_only), 14 * kMicro, 1e-12);
  EXPECT_NEAR(ring_s(CollectiveOp::kAllGather, 8, 1e6, latency_only), 7 * kMicro, 1e-12);
  EXPECT_NEAR(ring_s(CollectiveOp::kAllReduce, 8, 1e6, bandwidth_only), ring_all_reduce_bytes(8, 1e6) / 1e9, 1e-12);
  EXPECT_EQ(ring_s(CollectiveOp::kAllReduce, 1, 1e6, bandwidth_only), 0);
}

TEST(Formulas, BubbleInBothDefinitions) {
  EXPECT_NEAR(bubble_of_total(4, 1), 0.75, 5e-4);
  EXPECT_NEAR(bubble_of_total(4, 4), 0.429, 5e-4);
  EXPECT_NEAR(bubble_of_total(4, 16), 0.158, 5e-4);
  EXPECT_NEAR(bubble_of_total(8, 32), 0.179, 5e-4);
  EXPECT_DOUBLE_EQ(bubble_of_ideal(4, 16), 3.0 / 16);
  // The same idle time: over ideal time, and over ideal and idle time.
  EXPECT_DOUBLE_EQ(bubble_of_total(8, 32), bubble_of_ideal(8, 32) / (1 + bubble_of_ideal(8, 32)));
}

TEST(Formulas, OneHopLessThanStages) {
  EXPECT_EQ(pipeline_hops(1), 0);
  EXPECT_EQ(pipeline_hops(4), 3);
  EXPECT_DOUBLE_EQ(hand_off_bytes(512, 8192, 2), 8388608);
}

TEST(Formulas, SchedulesHoldDifferentlyManyMicrobatches) {
  EXPECT_EQ(microbatches_held(Schedule::kGPipe, 4, 16), 16);
  EXPECT_EQ(microbatches_held(Schedule::kOneForwardOneBackward, 4, 16), 4);
  EXPECT_EQ(microbatches_held(Schedule::kOneForwardOneBackward, 4, 2), 2);
}

TEST(Formulas, SequenceParallelismKeepsTheBytesAndDividesTheActivations) {
  EXPECT_DOUBLE_EQ(sequence_parallel_bytes(4, 1e6), ring_all_reduce_bytes(4, 1e6));
  EXPECT_NEAR(activation_bytes_between_regions(128 * 1024, 8192, 2, 1), 2.1e9, 0.06e9);
  EXPECT_DOUBLE_EQ(activation_bytes_between_regions(128 * 1024, 8192, 2, 8) * 8,
                   activation_bytes_between_regions(128 * 1024, 8192, 2, 1));
}

TEST(Formulas, ExpertsExchangeTwiceAndTheBusiestRankSetsTheTime) {
  EXPECT_EQ(kAllToAllsPerMoeLayer, 2);
  EXPECT_DOUBLE_EQ(expert_imbalance(std::array{10.0, 10.0, 10.0, 10.0}), 1);
  EXPECT_DOUBLE_EQ(expert_imbalance(std::array{25.0, 5.0, 5.0, 5.0}), 2.5);
  const Wire wire{.latency_s = 0, .bytes_per_s = 1e9};
  EXPECT_DOUBLE_EQ(all_to_all_s(8, 1e6, 2.5, wire), 2.5 * all_to_all_s(8, 1e6, 1, wire));
  EXPECT_NEAR(distinct_experts(256, 8, 1), 8, 1e-9);
  EXPECT_NEAR(distinct_experts(256, 8, 1e6), 256, 1e-9);
}

TEST(Formulas, DevicesAreTheProduct) { EXPECT_EQ(devices_of(8, 35, 12), 3360); }

TEST(Formulas, DollarsPerMillionTokens) {
  EXPECT_NEAR(usd_per_million_tokens(8, 4.02, 1000), 8 * 4.02 / 3.6, 1e-9);
  EXPECT_EQ(usd_per_million_tokens(8, 4.02, 0), 0);
}

// Vendors quote both directions.
TEST(Formulas, LinksCountOneDirection) {
  const auto gb_per_s = [](const char* name) { return find_link(name).value().gb_per_s; };
  EXPECT_EQ(gb_per_s("NVLink3"), 300);
  EXPECT_EQ(gb_per_s("NVLink4"), 450);
  EXPECT_EQ(gb_per_s("NVLink5"), 900);
  EXPECT_EQ(gb_per_s("PCIe4"), 31.5);
  EXPECT_EQ(gb_per_s("PCIe5"), 63);
  EXPECT_EQ(gb_per_s("InfiniBand-HDR"), 25);
  EXPECT_EQ(gb_per_s("InfiniBand-NDR"), 50);
}

TEST(Formulas, ThirtyTwoA100HoldAndRead) {
  const DeviceKind a100 = find_device("A100-80G-SXM").value();
  EXPECT_NEAR(32 * a100.memory_bytes, 2.56e12, 0.2e12);
  EXPECT_NEAR(32 * a100.memory_gb_per_s, 64e3, 1.5e3);
}

// TP 4, 16 KB: latency is what is paid.
TEST(Formulas, SmallAllReducesCostTheirLatency) {
  EXPECT_NEAR(all_reduce_us("A100-80G-SXM", 4, 16 * kKiB, "vllm_custom"), 6.0, 0.6);
  EXPECT_NEAR(all_reduce_us("A100-80G-SXM", 4, 16 * kKiB, "nccl"), 16.3, 1.6);
  EXPECT_NEAR(all_reduce_us("A100-80G-SXM", 4, 16 * kKiB, "vllm_custom_eager"), 45, 4);
  EXPECT_NEAR(all_reduce_us("L40S", 4, 16 * kKiB, "vllm_custom"), 17.5, 2.5);
}

TEST(Formulas, AHundredAndSixtyAllReducesOf512KiB) {
  EXPECT_NEAR(160 * all_reduce_us("A100-80G-SXM", 4, 512 * kKiB, "vllm_custom") / 1e3, 2.3, 0.6);
  EXPECT_NEAR(160 * all_reduce_us("L40S", 4, 512 * kKiB, "vllm_custom") / 1e3, 35, 6);
}

}  // namespace
}  // namespace kerf
