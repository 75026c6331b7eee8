#include "kerf/planner/launch_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kerf/planner/planner_test_support.h"

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

LaunchRequest request_for(const Plan& plan, const MachineSpec& machine) {
  Placer placer(machine);
  return {.model = "meta-llama/Llama-3.1-70B",
          .num_layers = 80,
          .plan = plan,
          .devices = placer.place(plan),
          .max_model_len = 2048,
          .max_num_seqs = 32,
          .max_num_batched_tokens = 8192};
}

std::string commands(std::string_view engine, const Plan& plan, const MachineSpec& machine) {
  return launch_commands(engine, request_for(plan, machine), machine).value();
}

int count(const std::string& text, std::string_view what) {
  int found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(LaunchVllm, OneNode) {
  const std::string text = commands("vllm", {.tp = 4, .pp = 2}, toy_machine(1, 8));
  EXPECT_THAT(text,
              StartsWith("vllm serve meta-llama/Llama-3.1-70B --tensor-parallel-size 4 --pipeline-parallel-size 2"));
  EXPECT_THAT(text, AllOf(HasSubstr("--max-model-len 2048"), HasSubstr("--max-num-seqs 32"),
                          HasSubstr("--gpu-memory-utilization 0.9"), HasSubstr("--max-num-batched-tokens 8192")));
  EXPECT_THAT(text, Not(HasSubstr("CUDA_VISIBLE_DEVICES")));
  EXPECT_THAT(text, Not(HasSubstr("nnodes")));
}

TEST(LaunchVllm, IdleDevicesAreHidden) {
  EXPECT_THAT(commands("vllm", {.tp = 2}, toy_machine(1, 8)), StartsWith("CUDA_VISIBLE_DEVICES=0,1 vllm serve"));
}

TEST(LaunchVllm, AReplicaOverTwoNodesStartsOnBoth) {
  const std::string text = commands("vllm", {.tp = 8, .pp = 2}, toy_machine(2, 8));
  EXPECT_EQ(count(text, "vllm serve"), 2);
  EXPECT_EQ(count(text, "--nnodes 2"), 2);
  EXPECT_EQ(count(text, "--master-addr node0"), 2);
  EXPECT_EQ(count(text, "--headless"), 1);
  EXPECT_THAT(text, AllOf(HasSubstr("--node-rank 0"), HasSubstr("--node-rank 1"), HasSubstr("# on node1:")));
}

TEST(LaunchVllm, ReplicasOverNodesAreOneServer) {
  const std::string text = commands("vllm", {.tp = 4, .dp = 4}, toy_machine(2, 8));
  EXPECT_EQ(count(text, "--data-parallel-size 4"), 2);
  EXPECT_EQ(count(text, "--data-parallel-size-local 2"), 2);
  EXPECT_EQ(count(text, "--data-parallel-address node0"), 2);
  EXPECT_THAT(text, HasSubstr("--headless --data-parallel-start-rank 2"));
}

TEST(LaunchVllm, ManyNodesAreATemplate) {
  const std::string text = commands("vllm", {.tp = 8, .dp = 64}, toy_machine(64, 8));
  EXPECT_EQ(count(text, "vllm serve"), 3);
  EXPECT_THAT(text, AllOf(HasSubstr("NODE=1 … 62"), HasSubstr("$((1 * NODE))"), HasSubstr("start-rank 63")));
}

TEST(LaunchVllm, IndependentReplicasOfAMixtureAreServersOfTheirOwn) {
  const MachineSpec machine = toy_machine(1, 8);
  LaunchRequest request = request_for({.tp = 4, .dp = 2}, machine);
  request.is_moe = true;
  const std::string text = launch_commands("vllm", request, machine).value();
  EXPECT_THAT(text, AllOf(HasSubstr("CUDA_VISIBLE_DEVICES=0,1,2,3"), HasSubstr("CUDA_VISIBLE_DEVICES=4,5,6,7"),
                          HasSubstr("--port 8000"), HasSubstr("--port 8001"), Not(HasSubstr("--data-parallel-size"))));
  request.plan.ep = 8;
  const std::string shared = launch_commands("vllm", request, machine).value();
  EXPECT_THAT(shared, AllOf(HasSubstr("--data-parallel-size 2"), HasSubstr("--enable-expert-parallel")));
}

TEST(LaunchVllm, UnevenReplicasGoThroughRay) {
  const std::string text = commands("vllm", {.tp = 4, .pp = 3}, toy_machine(2, 8));
  EXPECT_THAT(text,
              AllOf(HasSubstr("ray start --head"), HasSubstr("ray start --address=node0:6379"),
                    HasSubstr("--distributed-executor-backend ray"), HasSubstr("VLLM_PP_LAYER_PARTITION=27,27,26")));
}

TEST(LaunchVllm, SaysLayersQuantisationAndSp) {
  const MachineSpec machine = toy_machine(1, 2);
  LaunchRequest request = request_for({.tp = 2, .sp = true}, machine);
  request.quantization = "fp8";
  EXPECT_THAT(launch_commands("vllm", request, machine).value(),
              AllOf(HasSubstr("--quantization fp8"), HasSubstr(R"('{"pass_config": {"enable_sp": true}}')")));
  request.quantization = "awq";
  EXPECT_THAT(launch_commands("vllm", request, machine).value(),
              AllOf(StartsWith("# "), HasSubstr("stored as awq"), Not(HasSubstr("--quantization"))));
  request = request_for({.pp = 2, .pp_layers = {41, 39}}, machine);
  EXPECT_THAT(launch_commands("vllm", request, machine).value(), StartsWith("VLLM_PP_LAYER_PARTITION=41,39 vllm"));
}

TEST(LaunchSglang, WritesFlagsOutAndNodes) {
  const std::string text = commands("sglang", {.tp = 8, .pp = 2, .microbatches = 4}, toy_machine(2, 8));
  EXPECT_THAT(text, AllOf(HasSubstr("--tp-size 8"), HasSubstr("--pp-size 2"), HasSubstr("--nnodes 2"),
                          HasSubstr("--node-rank 1"), HasSubstr("--dist-init-addr node0:20000"),
                          HasSubstr("--pp-max-micro-batch-size 8"), HasSubstr("--context-length 2048")));
  EXPECT_EQ(count(text, "--port 30000"), 1);
}

TEST(LaunchSglang, AttentionDataParallelismCountsAllReplicasInTp) {
  const MachineSpec machine = toy_machine(1, 8);
  LaunchRequest request = request_for({.tp = 2, .dp = 4, .ep = 8}, machine);
  request.is_moe = true;
  EXPECT_THAT(launch_commands("sglang", request, machine).value(),
              AllOf(HasSubstr("--tp-size 8"), HasSubstr("--dp-size 4"), HasSubstr("--enable-dp-attention"),
                    HasSubstr("--ep-size 8"), HasSubstr("--max-running-requests 128")));
}

TEST(LaunchSglang, ReplicasOnSeveralNodesStandBehindARouter) {
  const std::string text = commands("sglang", {.tp = 8, .dp = 2}, toy_machine(2, 8));
  EXPECT_EQ(count(text, "sglang.launch_server"), 2);
  EXPECT_THAT(text, HasSubstr("launch_router --worker-urls http://node0:30000 http://node1:30001"));
}

TEST(LaunchTrtllm, OneNodeAndTwo) {
  EXPECT_THAT(commands("trtllm", {.tp = 8}, toy_machine(1, 8)),
              AllOf(StartsWith("trtllm-serve"), HasSubstr("--tp_size 8 --pp_size 1"), HasSubstr("--max_seq_len 2048")));
  EXPECT_THAT(commands("trtllm", {.tp = 8, .pp = 2}, toy_machine(2, 8)),
              AllOf(HasSubstr("mpirun -np 16 -H node0:8,node1:8 trtllm-llmapi-launch trtllm-serve"),
                    HasSubstr("srun -N 2 --ntasks 16 --ntasks-per-node 8 --mpi=pmix")));
}

TEST(LaunchTrtllm, RefusesWhatItCannotSay) {
  const MachineSpec machine = toy_machine(1, 8);
  LaunchRequest request = request_for({.tp = 2, .dp = 4, .ep = 8}, machine);
  EXPECT_THAT(launch_commands("trtllm", request, machine).error().message, HasSubstr("attention data parallelism"));
  request = request_for({.dp = 8, .ep = 8}, machine);
  EXPECT_THAT(launch_commands("trtllm", request, machine).value(),
              AllOf(HasSubstr("--tp_size 8"), HasSubstr("--enable_attention_dp"), HasSubstr("--ep_size 8")));
}

TEST(LaunchKerf, UsesItsOwnFlags) {
  LaunchRequest request = request_for({.tp = 2, .pp = 2, .pp_layers = {50, 30}}, toy_machine(2, 2));
  EXPECT_EQ(launch_commands("kerf", request, toy_machine(2, 2)).value(),
            "kerf run meta-llama/Llama-3.1-70B --tensor-parallel-size 2 --pipeline-parallel-size 2 \\\n"
            "    --pp-layers 50,30 --hosts node0:2,node1:2 --max-model-len 2048 --max-num-batched-tokens 8192\n");
}

TEST(LaunchCommands, QuoteWhatAShellWouldRead) {
  const MachineSpec machine = toy_machine(1, 1);
  LaunchRequest request = request_for({}, machine);
  request.model = "/data/it's a model; rm -rf $HOME";
  for (const char* engine : {"vllm", "sglang", "trtllm", "kerf"}) {
    EXPECT_THAT(launch_commands(engine, request, machine).value(),
                HasSubstr(R"('/data/it'\''s a model; rm -rf $HOME')"))
        << engine;
  }
  EXPECT_FALSE(launch_commands("tgi", request, machine).ok());
}

TEST(LaunchCommands, ExistForAnyPlanOrSayWhyNot) {
  const MachineSpec machine = toy_machine(4, 8);
  for (const int tp : {1, 2, 3, 4, 8, 16}) {
    for (int pp = 1; tp * pp <= 32; ++pp) {
      for (int dp = 1; tp * pp * dp <= 32; ++dp) {
        for (const char* engine : {"vllm", "trtllm", "kerf", "sglang"}) {
          const Plan plan{.tp = tp, .pp = pp, .dp = dp};
          const Result<std::string> text = launch_commands(engine, request_for(plan, machine), machine);
          if (text.ok()) {
            EXPECT_THAT(*text, HasSubstr("Llama-3.1-70B")) << tp << pp << dp;
          } else {
            EXPECT_THAT(text.error().message, HasSubstr("SGLang wants")) << tp << pp << dp;
          }
        }
      }
    }
  }
}

TEST(MaxModelLen, HasRoomForTheWorkloadWithinTheModel) {
  ModelShape model = toy_model();
  EXPECT_EQ(max_model_len(model, 1024, 256), 2048);
  EXPECT_EQ(max_model_len(model, 1000, 24), 1024);
  model.max_positions = 1500;
  EXPECT_EQ(max_model_len(model, 1024, 256), 1500);
}

}  // namespace
}  // namespace kerf
