// EngineSpec: how a serving engine spends time beside the arithmetic. Read from catalog/engines.json.
#pragma once

#include <cstdint>
#include <string>

namespace kerf {

struct EngineSpec {
  std::string name = "vllm";         // "kerf", "vllm", "sglang", "trtllm", "fastertransformer", "lmdeploy"
  double step_overhead_us = 0;       // per step: scheduling, sampling, launch
  double layer_overhead_us = 0;      // per layer
  double eager_collective_us = 0;    // added to every collective that is not in a captured graph
  std::string collectives = "nccl";  // which measured family: "nccl", "vllm_custom_graph", "trtllm", "shm", …
  double memory_utilization = 0.9;   // share of a device's memory that the engine takes
  double context_bytes = 0;          // per device: driver context, graphs, workspace
  double comm_bytes = 0;             // per device in a group: buffers of the collectives
  int64_t max_num_batched_tokens = 8192;
  int64_t max_num_seqs = 256;
  int64_t block_size = 16;  // tokens of a KV block
  bool chunked_prefill = true;
  bool any_tp = false;    // kerf: TP need not divide the heads
  bool uneven_pp = true;  // layers per stage can be stated
};

}  // namespace kerf
