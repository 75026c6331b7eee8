// Commands from the engines' documentation and from practice, on machines that suit them: silence. And what people get
// wrong: the finding, and a fix that is free of it.
#include <gtest/gtest.h>

#include "kerf/planner/lint_test_support.h"

namespace kerf {
namespace {

struct Good {
  const char* machine;
  const char* load;
  const char* command;
};

constexpr Good kGood[] = {
    {"H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct"},
    {"H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 8"},
    {"H100-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 4 --gpu-memory-utilization 0.95"},
    {"A100-80G-SXM x8", "",
     "vllm serve meta-llama/Meta-Llama-3-70B-Instruct --tensor-parallel-size 4 --dtype auto --api-key token-abc123"},
    {"H100-SXM x8 x2", "",
     "vllm serve meta-llama/Llama-3.1-405B-Instruct --tensor-parallel-size 8 --pipeline-parallel-size 2 "
     "--distributed-executor-backend ray"},
    {"H100-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-405B-Instruct-FP8 --tensor-parallel-size 8 --max-model-len 32768"},
    {"A10G x4", "",
     "python -m vllm.entrypoints.openai.api_server --model meta-llama/Llama-2-13b-chat-hf --tensor-parallel-size 4"},
    {"L4 x1", "", "vllm serve Qwen/Qwen2.5-1.5B-Instruct"},
    {"T4 x1", "", "vllm serve Qwen/Qwen2.5-1.5B-Instruct --dtype half --max-model-len 8192"},
    {"RTX-4090 x1", "",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 16384 --gpu-memory-utilization 0.92"},
    {"RTX-4090 x1", "",
     "vllm serve mistralai/Mistral-7B-Instruct-v0.3 --max-model-len 8k --tokenizer_mode mistral --config_format "
     "mistral --load_format mistral"},
    {"RTX-4090 x2", "",
     "vllm serve Qwen/Qwen2.5-14B-Instruct --tensor-parallel-size 2 --max-model-len 8192 --gpu-memory-utilization "
     "0.95"},
    {"H100-SXM x1", "",
     "docker run --runtime nvidia --gpus all -v ~/.cache/huggingface:/root/.cache/huggingface --env "
     "\"HUGGING_FACE_HUB_TOKEN=x\" -p 8000:8000 --ipc=host vllm/vllm-openai:latest --model mistralai/Mistral-7B-v0.1"},
    {"H100-SXM x8", "", "vllm serve mistralai/Mixtral-8x7B-Instruct-v0.1 --tensor-parallel-size 2"},
    {"H200-SXM x8", "",
     "vllm serve deepseek-ai/DeepSeek-R1 --tensor-parallel-size 8 --trust-remote-code --max-model-len 32768"},
    {"H200-SXM x8", "", "vllm serve deepseek-ai/DeepSeek-V3 --data-parallel-size 8 --enable-expert-parallel"},
    {"H200-SXM x8", "", "python3 -m sglang.launch_server --model deepseek-ai/DeepSeek-V3 --tp 8 --trust-remote-code"},
    {"H200-SXM x8", "",
     "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3 --tp 8 --dp 8 --enable-dp-attention "
     "--trust-remote-code"},
    {"A100-80G-SXM x8", "",
     "python -m sglang.launch_server --model-path meta-llama/Meta-Llama-3-8B-Instruct --port 30000 --tp 2"},
    {"A100-80G-SXM x8", "",
     "python -m sglang.launch_server --model-path meta-llama/Meta-Llama-3-8B-Instruct --dp 2 --tp 2"},
    {"A100-80G-SXM x8", "",
     "python -m sglang.launch_server --model-path meta-llama/Meta-Llama-3-8B-Instruct --mem-fraction-static 0.7"},
    {"A100-80G-SXM x8", "",
     "python -m sglang.launch_server --model-path meta-llama/Meta-Llama-3-8B-Instruct --chunked-prefill-size 4096"},
    {"H100-SXM x8", "", "python -m sglang.launch_server --model-path Qwen/Qwen3-235B-A22B-FP8 --tp 4"},
    {"H100-SXM x8", "",
     "vllm serve Qwen/Qwen3-235B-A22B --tensor-parallel-size 8 --enable-expert-parallel --max-model-len 32768"},
    {"H100-SXM x8", "", "vllm serve Qwen/Qwen3-30B-A3B --enable-reasoning --reasoning-parser deepseek_r1"},
    {"H100-SXM x1", "", "vllm serve openai/gpt-oss-20b"},
    {"H100-SXM x2", "", "vllm serve openai/gpt-oss-120b --tensor-parallel-size 2"},
    {"H100-SXM x8", "",
     "vllm serve meta-llama/Llama-4-Scout-17B-16E-Instruct --tensor-parallel-size 8 --max-model-len 1000000 "
     "--override-generation-config='{\"attn_temperature_tuning\": true}'"},
    {"H100-SXM x8", "", "trtllm-serve meta-llama/Llama-3.1-70B-Instruct --tp_size 8"},
    {"H100-SXM x1", "", "trtllm-serve TinyLlama/TinyLlama-1.1B-Chat-v1.0"},
    {"H100-SXM x1", "",
     "trtllm-serve serve Qwen/Qwen3-8B --max_batch_size 128 --max_num_tokens 4096 --kv_cache_free_gpu_memory_fraction "
     "0.9"},
    {"B200-SXM x8", "",
     "trtllm-serve deepseek-ai/DeepSeek-R1 --tp_size 8 --ep_size 8 --max_batch_size 161 --max_num_tokens 1160 "
     "--backend pytorch --extra_llm_api_options ./extra.yml"},
    {"H100-SXM x8 x2", "",
     "srun -N 2 --ntasks 16 --mpi=pmix trtllm-llmapi-launch trtllm-serve meta-llama/Llama-3.1-405B-Instruct --tp_size "
     "8 --pp_size 2"},
    {"H100-SXM x8", "latency c=16", "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 8"},
    {"H100-SXM x8", "throughput c=256", "vllm serve meta-llama/Llama-3.1-8B-Instruct -dp 8"},
    {"H100-SXM x8", "throughput c=256", "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 4 -dp 2"},
    {"H100-SXM x8", "c=64 tpot=30", "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 8"},
    {"MI300X x8", "", "vllm serve meta-llama/Llama-3.1-405B-Instruct-FP8 --tensor-parallel-size 8"},
    {"MI300X x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 1"},
    {"L40S x8", "throughput c=512", "vllm serve meta-llama/Llama-3.1-70B-Instruct -pp 8 --max-model-len 8192"},
    {"L40S x4", "", "vllm serve Qwen/Qwen2.5-32B-Instruct -tp 4"},
    {"A100-40G-SXM x8", "",
     "vllm serve mistralai/Mixtral-8x7B-Instruct-v0.1 --tensor-parallel-size 4 --gpu-memory-utilization 0.9"},
    {"A100-80G-SXM x1", "", "vllm serve Qwen/Qwen2.5-72B-Instruct-AWQ --quantization awq --max-model-len 8192"},
    {"A100-80G-SXM x2", "", "vllm serve TheBloke/Llama-2-70B-AWQ --quantization awq --tensor-parallel-size 2"},
    {"H100-SXM x1", "", "CUDA_VISIBLE_DEVICES=0 vllm serve google/gemma-3-27b-it --max-model-len 32768"},
    {"H100-SXM x4", "",
     "vllm serve Qwen/Qwen3-32B -tp 4 --max-num-seqs 512 --no-enable-prefix-caching --kv-cache-dtype fp8"},
    {"H100-SXM x8", "", "vllm serve microsoft/phi-4 --max-num-batched-tokens 16384"},
    {"H100-SXM x8", "", "kerf serve Llama-3.1-8B --tp 2"},
    {"H100-SXM x8", "", "kerf serve Llama-3.1-8B"},
    {"H100-SXM x8 x2", "",
     "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3 --tp 8 --pp-size 2 --dist-init-addr "
     "10.0.0.1:5000 --nnodes 2 --node-rank 0 --trust-remote-code"},
};

TEST(LintCommands, GoodOnesGetSilence) {
  for (const Good& good : kGood) {
    SCOPED_TRACE(good.machine);
    expect_silence(good.command, machine_of(good.machine), good.load);
  }
}

struct Bad {
  const char* id;
  const char* machine;
  const char* load;
  const char* command;
};

constexpr Bad kBad[] = {
    {"tp-across-slow-link", "H100-SXM x8 x4 Ethernet-25G", "",
     "vllm serve meta-llama/Llama-3.1-405B-Instruct --tensor-parallel-size 32"},
    {"tp-across-slow-link", "A100-80G-SXM x8 x2 Ethernet-10G", "",
     "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-70B-Instruct --tp 16 --nnodes 2 --node-rank 0"},
    {"tp-across-slow-link", "L40S x8", "throughput c=256",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --tensor-parallel-size 8"},
    {"tp-across-slow-link", "H100-SXM x8 x2 Ethernet-10G", "c=8",
     "mpirun -n 16 trtllm-llmapi-launch trtllm-serve meta-llama/Llama-3.1-405B-Instruct --tp_size 16"},
    {"pp-inside-fast-domain", "H100-SXM x8", "latency",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct --pipeline-parallel-size 8"},
    {"pp-inside-fast-domain", "H100-SXM x8", "latency",
     "trtllm-serve meta-llama/Llama-3.1-70B-Instruct --tp_size 2 --pp_size 4"},
    {"pp-inside-fast-domain", "H100-SXM x4", "",
     "python -m sglang.launch_server --model-path Qwen/Qwen2.5-72B-Instruct --pp-size 4"},
    {"heads-not-divisible", "A100-80G-SXM x8", "",
     "docker run --gpus all vllm/vllm-openai:latest --model Qwen/Qwen2.5-7B-Instruct --tensor-parallel-size 8"},
    {"heads-not-divisible", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 6"},
    {"kv-heads-not-divisible", "A100-80G-SXM x8", "",
     "vllm serve microsoft/Phi-3-medium-14B -tp 4 --max-model-len 8192"},
    {"quantization-group-straddles", "A100-80G-SXM x8", "",
     "python -m sglang.launch_server --model-path Qwen/Qwen2-72B-Instruct-AWQ --tp 4"},
    {"quantization-group-straddles", "H100-SXM x8", "", "vllm serve Qwen/Qwen3-235B-A22B-FP8 --tensor-parallel-size 8"},
    {"weights-do-not-fit", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct"},
    {"weights-do-not-fit", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-405B-Instruct --tensor-parallel-size 8"},
    {"weights-do-not-fit", "RTX-4090 x2", "", "vllm serve Qwen/Qwen2.5-14B-Instruct --max-model-len 4096"},
    {"weights-do-not-fit", "H100-SXM x8 x2", "",
     "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-R1 --tp 8"},
    {"max-model-len-beyond-kv", "RTX-4090 x1", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct"},
    {"max-model-len-beyond-kv", "A100-80G-SXM x4", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 2"},
    {"max-model-len-beyond-model", "H100-SXM x8", "",
     "vllm serve meta-llama/Meta-Llama-3-8B-Instruct --max-model-len 32768"},
    {"kv-too-small-for-load", "A100-80G-SXM x4", "c=200 isl=4000 osl=1000",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 2 --max-model-len 16384"},
    {"kv-heads-replicated", "H100-SXM x8", "throughput",
     "python -m sglang.launch_server --model-path Qwen/Qwen2.5-1.5B-Instruct --tp 4"},
    {"replicas-serve-more", "H100-SXM x8", "throughput c=1024",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --tensor-parallel-size 8"},
    {"fewer-requests-than-stages", "L40S x4", "throughput c=64",
     "vllm serve Qwen/Qwen2.5-32B-Instruct --pipeline-parallel-size 4 --max-num-seqs 2"},
    {"more-devices-than-exist", "H100-SXM x4", "",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 8"},
    {"more-devices-than-exist", "H100-SXM x8", "",
     "CUDA_VISIBLE_DEVICES=0,1 vllm serve meta-llama/Llama-3.1-8B-Instruct --tensor-parallel-size 4"},
    {"more-devices-than-exist", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 8 -dp 2"},
    {"idle-devices", "H100-SXM x8", "throughput c=512", "vllm serve meta-llama/Llama-3.1-8B-Instruct"},
    {"communication-heavy", "L40S x8", "throughput c=128",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 8"},
    {"expert-parallel-on-dense-model", "H100-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 8 --enable-expert-parallel"},
    {"expert-parallel-on-dense-model", "H100-SXM x8", "",
     "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-70B-Instruct --tp 8 --ep 8"},
    {"expert-parallel-size", "H100-SXM x8", "",
     "python -m sglang.launch_server --model-path mistralai/Mixtral-8x7B-Instruct-v0.1 --tp 8 --ep 3"},
    {"eager-mode", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct --enforce-eager"},
    {"eager-mode", "H100-SXM x8", "latency c=4",
     "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-70B-Instruct --tp 8 --disable-cuda-graph"},
    {"memory-utilization-too-high", "A100-80G-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --gpu-memory-utilization 1.0"},
    {"memory-utilization-too-low", "H100-SXM x1", "throughput c=256",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --gpu-memory-utilization 0.3 --max-model-len 4096"},
    {"slo-missed", "H100-SXM x8", "c=16 tpot=25", "vllm serve meta-llama/Llama-3.1-70B-Instruct -pp 8"},
    {"unknown-parallel-flag", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-70B-Instruct --tp 8"},
    {"invalid-value", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct --gpu-memory-utilization 90"},
    {"invalid-value", "H100-SXM x8", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct --tensor-parallel-size all"},
    {"batched-tokens-below-seqs", "H100-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --max-num-batched-tokens 128 --max-num-seqs 256"},
    {"batched-tokens-below-length", "H100-SXM x8", "",
     "vllm serve meta-llama/Llama-3.1-8B-Instruct --no-enable-chunked-prefill --max-num-batched-tokens 8192"},
    {"ranks-launched", "H100-SXM x8 x2", "",
     "mpirun -n 8 trtllm-llmapi-launch trtllm-serve meta-llama/Llama-3.1-405B-Instruct --tp_size 8 --pp_size 2"},
    {"nodes-not-divisible", "H100-SXM x8 x3", "",
     "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-70B-Instruct --tp 8 --nnodes 3 --node-rank 0"},
    {"uneven-stages", "H100-SXM x8", "throughput c=256",
     "python -m sglang.launch_server --model-path Qwen/Qwen3-235B-A22B-FP8 --pp-size 8"},
    {"uneven-stages", "L40S x8", "throughput c=256",
     "VLLM_PP_LAYER_PARTITION=9,9,9,9,9,9,9,17 vllm serve meta-llama/Llama-3.1-70B-Instruct -pp 8 --max-model-len "
     "8192"},
    {"pp-layers-do-not-add-up", "L40S x8", "",
     "VLLM_PP_LAYER_PARTITION=30,40 vllm serve meta-llama/Llama-3.1-70B-Instruct -pp 2 -tp 4 --max-model-len 8192"},
    {"layers-fewer-than-stages", "H100-SXM x8 x8", "", "vllm serve meta-llama/Llama-3.1-8B-Instruct -pp 64"},
    {"dp-attention-not-divisible", "H200-SXM x8", "",
     "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3 --tp 8 --dp 3 --enable-dp-attention"},
    {"experts-not-divisible", "H200-SXM x8 x2", "",
     "python3 -m sglang.launch_server --model-path mistralai/Mixtral-8x7B-Instruct-v0.1 --tp 16 --ep 16 --nnodes 2"},
};

TEST(LintCommands, BadOnesGetTheirFindingAndAFix) {
  for (const Bad& bad : kBad) {
    SCOPED_TRACE(bad.machine);
    expect_finding(bad.id, bad.command, machine_of(bad.machine), bad.load);
  }
}

}  // namespace
}  // namespace kerf
