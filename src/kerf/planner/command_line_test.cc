#include "kerf/planner/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using enum Setting;

EngineCommand parsed(const std::string& line) {
  const std::vector<std::string> arguments = {line};
  auto command = parse_engine_command(arguments);
  EXPECT_TRUE(command.ok()) << line << ": " << (command.ok() ? "" : command.error().message);
  return command.ok() ? *std::move(command) : EngineCommand{};
}

std::string refusal(const std::vector<std::string>& arguments) {
  const auto command = parse_engine_command(arguments);
  return command.ok() ? "" : command.error().message;
}

std::string summary(const EngineCommand& c) {
  return fmt::format("{} {} {}.{}.{}.{}", c.engine, c.model, c.plan.tp, c.plan.pp, c.plan.dp, c.plan.ep);
}

TEST(CommandLine, ReadsEveryEngine) {
  const std::pair<const char*, const char*> commands[] = {
      {"vllm serve m/x --tensor-parallel-size 4 --pipeline-parallel-size=2", "vllm m/x 4.2.1.1"},
      {"vllm serve m/x -tp 4 -pp 2 -dp 3", "vllm m/x 4.2.3.1"},
      {"vllm serve m/x -tp=8 -dp=2 --enable-expert-parallel", "vllm m/x 8.1.2.16"},
      {"vllm serve --tensor_parallel_size 4 m/x", "vllm m/x 4.1.1.1"},
      {"vllm serve --enforce-eager --trust-remote-code m/x", "vllm m/x 1.1.1.1"},
      {"vllm serve --some-new-switch m/x", "vllm m/x 1.1.1.1"},
      {"vllm serve m/x --tensor-parallel 4", "vllm m/x 4.1.1.1"},
      {"python3 -m vllm.entrypoints.openai.api_server --model m/x --worker-use-ray --tensor-parallel-size 2",
       "vllm m/x 2.1.1.1"},
      {"python -u -m vllm.entrypoints.api_server --model=m/x", "vllm m/x 1.1.1.1"},
      {"vllm bench throughput --model m/x -tp 2", "vllm m/x 2.1.1.1"},
      {"python -m sglang.launch_server --model-path m/x --tp 8 --pp-size 2", "sglang m/x 8.2.1.1"},
      {"sglang serve --model m/x --tp-size 4 --dp-size 2", "sglang m/x 4.1.2.1"},
      {"python -m sglang.launch_server --model-path m/x --tp 8 --ep 8", "sglang m/x 8.1.1.8"},
      {"python -m sglang.launch_server --model-path m/x --tp 8 --enable-ep-moe", "sglang m/x 8.1.1.8"},
      {"python -m sglang.launch_server --model-path m/x --tp 8 --dp 4 --enable-dp-attention", "sglang m/x 2.1.4.1"},
      {"trtllm-serve m/x --tp_size 4 --pp_size 2 --ep_size 4", "trtllm m/x 4.2.1.4"},
      {"trtllm-serve serve m/x --tp_size=8", "trtllm m/x 8.1.1.1"},
      {"kerf serve m --tp 2 --pp 3", "kerf m 2.3.1.1"},
      {"kerf run m -p 'Once upon' --tensor-parallel-size 2 --sp", "kerf m 2.1.1.1"},
  };
  for (const auto& [line, expected] : commands) EXPECT_EQ(summary(parsed(line)), expected) << line;
}

TEST(CommandLine, LooksBehindLaunchers) {
  const std::pair<const char*, const char*> commands[] = {
      {"CUDA_VISIBLE_DEVICES=0,1 VLLM_USE_V1=1 nohup vllm serve m/x -tp 2 > log 2>&1 &", "vllm m/x 2.1.1.1"},
      {"cd /srv && source venv/bin/activate; vllm serve m/x -tp 2", "vllm m/x 2.1.1.1"},
      {"docker run --runtime nvidia --gpus all -v ~/.cache:/root/.cache -p 8000:8000 --ipc=host "
       "vllm/vllm-openai:v0.9.1 --model m/x --tensor-parallel-size 4",
       "vllm m/x 4.1.1.1"},
      {"docker run --gpus all vllm/vllm-openai:latest m/x -tp 2", "vllm m/x 2.1.1.1"},
      {"docker run --gpus all lmsysorg/sglang:latest python3 -m sglang.launch_server --model-path m/x --tp 2",
       "sglang m/x 2.1.1.1"},
      {"docker run image bash -c \"pip install x && vllm serve m/x -tp 2\"", "vllm m/x 2.1.1.1"},
      {"mpirun -n 16 --allow-run-as-root trtllm-llmapi-launch trtllm-serve m/x --tp_size 16", "trtllm m/x 16.1.1.1"},
      {"srun -N 2 --ntasks 16 trtllm-llmapi-launch trtllm-serve serve m/x --tp_size 16", "trtllm m/x 16.1.1.1"},
      {"torchrun --nproc-per-node 8 -m sglang.launch_server --model-path m/x --tp 8", "sglang m/x 8.1.1.1"},
      {"env A=1 /opt/venv/bin/vllm serve m/x -pp 2", "vllm m/x 1.2.1.1"},
      {"ray job submit -- python -m vllm.entrypoints.openai.api_server --model m/x -tp 8", "vllm m/x 8.1.1.1"},
      {"uv run vllm serve m/x", "vllm m/x 1.1.1.1"},
  };
  for (const auto& [line, expected] : commands) EXPECT_EQ(summary(parsed(line)), expected) << line;

  EXPECT_THAT(*parsed("CUDA_VISIBLE_DEVICES=2,3 vllm serve m").visible_devices, ElementsAre(2, 3));
  EXPECT_THAT(*parsed("docker run --gpus '\"device=1,4\"' vllm/vllm-openai --model m").visible_devices,
              ElementsAre(1, 4));
  EXPECT_EQ(parsed("docker run --gpus 2 vllm/vllm-openai --model m").visible_count, 2);
  EXPECT_EQ(parsed("mpirun -n 16 trtllm-llmapi-launch trtllm-serve m").launched_ranks, 16);
  EXPECT_THAT(parsed("VLLM_PP_LAYER_PARTITION=10,12 vllm serve m -pp 2").plan.pp_layers, ElementsAre(10, 12));
}

TEST(CommandLine, ReadsLimits) {
  const EngineCommand c = parsed(
      "vllm serve m --max-model-len 32K --max-num-seqs 64 --max-num-batched-tokens 8k --gpu-memory-utilization 0.95 "
      "--kv-cache-dtype fp8 -q awq --dtype half --enforce-eager --no-enable-chunked-prefill --served-model-name a b");
  EXPECT_EQ(c.max_model_len, 32768);
  EXPECT_EQ(c.max_num_seqs, 64);
  EXPECT_EQ(c.max_num_batched_tokens, 8000);
  EXPECT_DOUBLE_EQ(c.memory_utilization, 0.95);
  EXPECT_EQ(c.kv_cache_dtype, "fp8");
  EXPECT_EQ(c.quantization, "awq");
  EXPECT_TRUE(c.enforce_eager);
  EXPECT_EQ(c.chunked_prefill, false);
  EXPECT_EQ(c.model, "m");
  EXPECT_TRUE(parsed("vllm serve m --max-model-len auto").auto_model_len);
  EXPECT_TRUE(parsed("vllm serve m --max-model-len -1").auto_model_len);
  EXPECT_EQ(parsed("vllm serve m -tp 2 -tp 4").plan.tp, 4) << "the last one counts";
}

TEST(CommandLine, KeepsUnknownFlagsAndMarksBadValues) {
  const EngineCommand unknown = parsed("vllm serve m --brand-new-flag 3 --tensor-parallel-size 2");
  EXPECT_TRUE(unknown.bad_values.empty());
  EXPECT_TRUE(unknown.options[0].unknown);
  for (const char* value : {"0", "-1", "two", "99999999999999999999", "1e3", "4.5", "''"}) {
    const EngineCommand bad = parsed(std::string("vllm serve m --tensor-parallel-size ") + value);
    ASSERT_EQ(bad.bad_values.size(), 1U) << value;
    EXPECT_EQ(bad.bad_values[0].setting, kTp);
    EXPECT_EQ(bad.plan.tp, 1);
  }
  EXPECT_EQ(parsed("vllm serve m --gpu-memory-utilization 95").bad_values.size(), 1U);
  EXPECT_EQ(parsed("vllm serve m --tensor-parallel-size").bad_values.size(), 1U);
}

TEST(CommandLine, KnowsWhatARefusedParallelFlagMeans) {
  for (const char* line : {"vllm serve m --tp 4", "vllm serve m --tp-size 4", "vllm serve m --tensor-paralel-size 4",
                           "python -m sglang.launch_server --model-path m -tp 4"}) {
    const EngineCommand command = parsed(line);
    EXPECT_EQ(command.plan.tp, 4) << line;
    EXPECT_TRUE(command.options.back().misspelled) << line;
  }
  EXPECT_TRUE(parsed("vllm serve m --tensor-parallel-backend x").options[0].unknown) << "may be new";
}

TEST(CommandLine, RefusesInOneSentence) {
  EXPECT_THAT(refusal({}), HasSubstr("after --"));
  EXPECT_THAT(refusal({"ls", "-l"}), HasSubstr("no serving command in 'ls -l'"));
  EXPECT_THAT(refusal({""}), HasSubstr("no serving command"));
  EXPECT_THAT(refusal({"vllm", "serve"}), HasSubstr("names no model"));
  EXPECT_THAT(refusal({"vllm serve m --tensor-parallel-size $TP"}), HasSubstr("only a shell can tell"));
  EXPECT_THAT(refusal({"vllm serve 'm"}), HasSubstr("open '"));
  EXPECT_LT(refusal({std::string(1 << 20, 'x')}).size(), 500U);
  EXPECT_THAT(refusal({std::string("ls\0 x", 5)}), HasSubstr("no serving command"));
  const EngineCommand huge = parsed("vllm serve m --tensor-parallel-size " + std::string(1 << 20, '9'));
  EXPECT_EQ(huge.bad_values.size(), 1U);
}

TEST(CommandLine, WritesTheCommandAgain) {
  const auto rewritten = [](const std::string& line, const Plan& plan) {
    const EngineCommand command = parsed(line);
    return changed_command(command, plan_changes(command, plan));
  };
  EXPECT_EQ(rewritten("vllm serve m/x  -tp 8 --hf-overrides '{\"a\": 1}'", {.tp = 4, .pp = 2}),
            "vllm serve m/x  -tp 4 --hf-overrides '{\"a\": 1}' --pipeline-parallel-size 2");
  EXPECT_EQ(rewritten("vllm serve m \\\n  --tensor-parallel-size=8 \\\n  --port 1", {.tp = 2, .dp = 4}),
            "vllm serve m \\\n  --tensor-parallel-size=2 \\\n  --port 1 --data-parallel-size 4");
  EXPECT_EQ(rewritten("vllm serve m -tp 4 -pp 2 > log &", {.tp = 8}), "vllm serve m -tp 8 > log &");
  EXPECT_EQ(rewritten("vllm serve m --tp 4", {.tp = 8}), "vllm serve m --tensor-parallel-size 8");
  EXPECT_EQ(rewritten("docker run image bash -c \"vllm serve m -tp 8\"", {.tp = 4}),
            "docker run image bash -c 'vllm serve m -tp 4'");
  EXPECT_EQ(rewritten("trtllm-serve m --tp_size 8", {.tp = 4, .pp = 2}), "trtllm-serve m --tp_size 4 --pp_size 2");
  EXPECT_EQ(rewritten("python -m sglang.launch_server --model-path m --tp 8 --ep 8", {.tp = 4, .dp = 2}),
            "python -m sglang.launch_server --model-path m --tp 4 --dp-size 2");
  EXPECT_EQ(rewritten("vllm serve m -tp 2", {.tp = 2, .pp = 3, .pp_layers = {10, 11, 11}}),
            "VLLM_PP_LAYER_PARTITION=10,11,11 vllm serve m -tp 2 --pipeline-parallel-size 3");
}

TEST(CommandLine, WritesEnvironmentAndSwitches) {
  const auto changed = [](const std::string& line, const Change& change) {
    const EngineCommand command = parsed(line);
    return changed_command(command, std::vector<Change>{change});
  };
  EXPECT_EQ(changed("vllm serve m", {kVisibleDevices, "0,2"}), "CUDA_VISIBLE_DEVICES=0,2 vllm serve m");
  EXPECT_EQ(changed("CUDA_VISIBLE_DEVICES=0,1 vllm serve m", {kVisibleDevices, "0,2"}),
            "CUDA_VISIBLE_DEVICES=0,2 vllm serve m");
  EXPECT_EQ(changed("docker run --gpus all vllm/vllm-openai --model m", {kVisibleDevices, "0,2"}),
            "docker run --gpus '\"device=0,2\"' vllm/vllm-openai --model m");
  EXPECT_EQ(changed("docker run --rm vllm/vllm-openai --model m", {kVisibleDevices, "0,2"}),
            "docker run -e CUDA_VISIBLE_DEVICES=0,2 --rm vllm/vllm-openai --model m");
  EXPECT_EQ(changed("vllm serve m --enforce-eager --port 1", {kEnforceEager, ""}), "vllm serve m --port 1");
  EXPECT_EQ(changed("vllm serve m", {kMaxModelLen, "4096"}), "vllm serve m --max-model-len 4096");
  EXPECT_EQ(changed("kerf serve m", {kMaxNumSeqs, "4"}), "kerf serve m --max-num-seqs 4");
}

}  // namespace
}  // namespace kerf
