// What a user of `kerf lint` meets: every known mistake with its clean twin, commands that must pass in silence, and
// ones that must not. Each fix, linted again, is free of what it fixes.
#include "kerf/planner/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kerf/planner/lint_links.h"
#include "kerf/planner/lint_test_support.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

struct Twins {
  const char* id;
  const char* machine;
  const char* load;
  const char* mistake;
  const char* clean;
};

// FIELD.md, section 3, in its order; what needs a machine of its own stands below.
constexpr Twins kKnownMistakes[] = {
    // 1
    {"tp-across-slow-link", "H100-SXM x8 x2 Ethernet-100G", "latency c=16", "vllm serve Llama-3.1-70B -tp 16",
     "vllm serve Llama-3.1-70B -tp 8 -dp 2"},
    {"tp-across-slow-link", "H100-SXM x8 x2", "latency c=16", "vllm serve Llama-3.1-70B -tp 16",
     "vllm serve Llama-3.1-70B -tp 8 -pp 2"},
    {"tp-across-slow-link", "L40S x8", "c=64", "vllm serve Llama-3.1-70B -tp 8",
     "vllm serve Llama-3.1-70B -tp 2 -pp 4"},
    // 2: the objective decides, not the rule
    {"pp-inside-fast-domain", "H200-SXM x8", "latency c=1", "vllm serve Llama-3.1-405B-FP8 -pp 8",
     "vllm serve Llama-3.1-405B-FP8 -tp 8"},
    // 3
    {"heads-not-divisible", "H100-SXM x8", "", "vllm serve Qwen/Qwen2.5-7B-Instruct -tp 8",
     "vllm serve Qwen/Qwen2.5-7B-Instruct -tp 4"},
    {"kv-heads-replicated", "H100-SXM x4", "throughput c=512", "vllm serve Qwen/Qwen2.5-1.5B-Instruct -tp 4",
     "vllm serve Qwen/Qwen2.5-1.5B-Instruct -dp 4"},
    {"layers-fewer-than-stages", "H100-SXM x8 x8", "", "vllm serve Llama-3.1-8B -pp 64", "vllm serve Llama-3.1-8B"},
    // 4
    {"quantization-group-straddles", "A100-80G-SXM x8", "", "vllm serve Qwen/Qwen2.5-72B-Instruct-AWQ -tp 2",
     "vllm serve Qwen/Qwen2.5-72B-Instruct-AWQ"},
    {"quantization-group-straddles", "H100-SXM x8 x2", "", "vllm serve Qwen/Qwen3-32B-FP8 -tp 16",
     "vllm serve Qwen/Qwen3-32B-FP8 -tp 8"},
    {"quantization-group-straddles", "H100-SXM x8", "", "vllm serve Qwen/Qwen3-30B-A3B-FP8 -tp 4",
     "vllm serve Qwen/Qwen3-30B-A3B-FP8 -tp 2"},
    // 5
    {"kv-too-small-for-load", "H100-SXM x8", "c=128 isl=8000 osl=1000", "vllm serve Llama-3.1-70B -tp 4",
     "vllm serve Llama-3.1-70B -tp 8"},
    {"no-room-for-kv", "A100-80G-SXM x8", "c=4 isl=60000 osl=2000",
     "vllm serve Llama-3.1-70B -tp 2 --max-model-len 65536", "vllm serve Llama-3.1-70B -tp 4 --max-model-len 65536"},
    // 6
    {"replicas-serve-more", "H100-SXM x8", "throughput c=512", "vllm serve Llama-3.1-8B -tp 8",
     "vllm serve Llama-3.1-8B -tp 2 -dp 4"},
    {"fewer-requests-than-stages", "L40S x8", "throughput c=256", "vllm serve Llama-3.1-70B -pp 8 --max-num-seqs 4",
     "vllm serve Llama-3.1-70B -pp 8 --max-num-seqs 256"},
    {"fewer-requests-than-stages", "H100-SXM x8", "c=2", "vllm serve Llama-3.1-70B -pp 8",
     "vllm serve Llama-3.1-70B -tp 8"},
    // 8
    {"heads-not-divisible", "H100-SXM x8", "", "vllm serve Llama-3.1-8B -tp 3", "vllm serve Llama-3.1-8B -tp 4"},
    {"heads-not-divisible", "H100-SXM x8", "", "vllm serve Llama-3.1-8B -tp 5", "kerf serve Llama-3.1-8B --tp 5"},
    {"heads-not-divisible", "H100-SXM x8", "", "python -m sglang.launch_server --model-path Llama-3.1-70B --tp 6",
     "python -m sglang.launch_server --model-path Llama-3.1-70B --tp 8"},
    {"heads-not-divisible", "H100-SXM x8", "", "trtllm-serve Llama-3.1-70B --tp_size 7",
     "trtllm-serve Llama-3.1-70B --tp_size 4"},
    // 9
    {"communication-heavy", "L40S x8", "throughput c=128", "vllm serve Qwen/Qwen2.5-32B-Instruct -tp 8",
     "vllm serve Qwen/Qwen2.5-32B-Instruct -tp 2 -dp 4"},
};

TEST(Lint, KnowsTheMistakesOfTheField) {
  for (const Twins& twins : kKnownMistakes) {
    SCOPED_TRACE(twins.id);
    const MachineSpec machine = machine_of(twins.machine);
    expect_finding(twins.id, twins.mistake, machine, twins.load);
    expect_silence(twins.clean, machine, twins.load);
  }
}

// FIELD.md 3.2: at maximum throughput PP may be the better cut, and then nobody complains.
TEST(Lint, LeavesPipelinesInPeaceWhereTheyServeMore) {
  expect_silence("vllm serve Llama-3.1-70B -pp 8", machine_of("L40S x8"), "throughput c=512");
}

// FIELD.md 3.7: NV4 between pairs is four links of a bridge, not a fabric; the distances of PCIe are not one.
TEST(Lint, SeesWhereBridgesEnd) {
  const MachineSpec pairs = bridged(machine_of("A100-80G-PCIe x4"), {{0, 1}, {2, 3}});
  expect_finding("tp-across-slow-link", "vllm serve Qwen/Qwen2.5-32B-Instruct -tp 4", pairs, "throughput c=64");
  expect_silence("vllm serve Qwen/Qwen2.5-32B-Instruct -tp 2 -dp 2", pairs, "throughput c=64");
  // The first and the second card sit on different sockets, and the bridges join them with the third and the fourth.
  const MachineSpec sockets = sub_machine(machine_of("A100-80G-PCIe x8"), {0, 4, 1, 5});
  const MachineSpec crossed = bridged(sockets, {{0, 2}, {1, 3}});
  const std::string line = "vllm serve Qwen/Qwen2.5-32B-Instruct -tp 2";
  expect_finding("devices-far-apart", line, crossed, "c=64");
  expect_silence("CUDA_VISIBLE_DEVICES=0,2 " + line, crossed, "c=64");
  expect_silence("CUDA_VISIBLE_DEVICES=2,0 " + line, crossed, "c=64");
  expect_finding("devices-far-apart", "CUDA_VISIBLE_DEVICES=0,1,2,3 " + line + " -pp 2", crossed, "throughput c=256");
}

// FIELD.md 3.8
TEST(Lint, SeesUnequalDevices) {
  const MachineSpec machine = mixed("L40S", 2, "RTX-4090", 2);
  expect_finding("unequal-devices", "vllm serve Qwen/Qwen2.5-14B-Instruct -tp 4 --max-model-len 8192", machine);
  expect_silence("CUDA_VISIBLE_DEVICES=0,1 vllm serve Qwen/Qwen2.5-14B-Instruct -tp 2 --max-model-len 8192", machine);
  expect_silence("vllm serve Qwen/Qwen2.5-14B-Instruct -tp 2 --max-model-len 8192", machine);
}

// FIELD.md 3.10: what was judged is part of the report.
TEST(Lint, SaysForWhichLoadItJudged) {
  const MachineSpec machine = machine_of("H100-SXM x8");
  const auto stated = linted("vllm serve Llama-3.1-8B -tp 8", machine, load_of("throughput c=512"));
  ASSERT_EQ(stated->loads.size(), 1U);
  EXPECT_EQ(stated->loads[0].concurrency, 512);
  ASSERT_FALSE(stated->findings.empty());
  EXPECT_THAT(stated->findings[0].advice.message, HasSubstr("512 requests at a time of 1024 + 256 tokens"));
  EXPECT_EQ(linted("vllm serve Llama-3.1-8B -tp 8", machine, load_of(""))->loads.size(), 2U);
}

TEST(Lint, FixesAreWholeCommands) {
  const MachineSpec machine = machine_of("H100-SXM x8 x2 Ethernet-100G");
  const auto report = linted(
      "HF_TOKEN='a b' vllm serve meta-llama/Llama-3.1-70B-Instruct \\\n  --tensor-parallel-size=16 \\\n  "
      "--served-model-name \"my model\" > log 2>&1 &",
      machine, load_of("latency c=16"));
  const Finding* finding = find(*report, "tp-across-slow-link");
  ASSERT_NE(finding, nullptr) << told(*report);
  EXPECT_EQ(finding->fix.substr(0, 97),
            "HF_TOKEN='a b' vllm serve meta-llama/Llama-3.1-70B-Instruct \\\n  --tensor-parallel-size=8 \\\n  --se");
  EXPECT_THAT(finding->fix, HasSubstr("--served-model-name \"my model\" --"));
  EXPECT_TRUE(finding->fix.ends_with(" > log 2>&1 &")) << finding->fix;
}

TEST(Lint, RefusesWhatItCannotJudge) {
  const MachineSpec machine = machine_of("H100-SXM x1");
  const auto refused = [&](const std::string& line) {
    const auto report = lint(std::vector<std::string>{line}, machine, {}, "");
    return report.ok() ? std::string() : report.error().message;
  };
  EXPECT_THAT(refused("vllm serve nobody/knows-this"), HasSubstr("--model"));
  EXPECT_THAT(refused("llama-server -m model.gguf"), HasSubstr("no serving command"));
  const auto as = lint(std::vector<std::string>{"vllm serve nobody/knows-this"}, machine, {}, "Llama-3.1-8B");
  EXPECT_TRUE(as.ok());
  EXPECT_TRUE(lint(std::vector<std::string>{"vllm serve /data/models/Llama-3.1-8B-Instruct/"}, machine, {}, "").ok());
}

}  // namespace
}  // namespace kerf
