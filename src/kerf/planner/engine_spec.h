// EngineSpec: how a serving engine spends time and memory beside the arithmetic. Plain data, read from
// catalog/engines.json (engine_catalog.h), where each engine says what its figures were fitted to.
#pragma once

#include <cstdint>
#include <string>

namespace kerf {

struct EngineSpec {
  std::string name = "vllm";  // "kerf", "vllm", "sglang", "trtllm", "fastertransformer", "lmdeploy", or with a version
  std::string source;         // what the figures rest on

  // Per step.
  double step_overhead_us = 0;      // scheduling, sampling, launch
  double layer_overhead_us = 0;     // per layer: launches, norms, what is not fused
  double sequence_overhead_us = 0;  // per sequence of a step
  double prompt_overhead_us = 0;    // per prompt that enters: tokenisation, block tables, first launch
  double host_step_us = 0;          // the scheduler's own time, which overlaps with the device's
  double host_sequence_us = 0;      // per sequence of a step
  double eager_collective_us = 0;   // added to every collective that is not in a captured graph
  double expert_overhead_us = 0;    // per MoE layer: routing, permutation
  double latent_overhead_us = 0;    // per layer with latent attention: its down- and up-projections' launches
  double launch_us = 0;          // per layer of a lone prompt's prefill, which isn't a captured graph: it takes no less
  double expert_launches = 0.6;  // of a mixture's layer beside those of a dense one, relative to these
  double latent_launches = 1;    // of latent attention, likewise
  double elementwise_passes = 0;  // per layer: norms, residuals, rotary, quantisation as passes over [tokens, h]
  // Per request.
  double first_token_ms = 0;  // what a client waits for its first token beside prefill and queue: HTTP, tokeniser
  double request_ms = 0;      // of a whole static batch

  // How well it uses the device, relative to catalog/efficiency.json's figures for the architecture.
  double bandwidth_factor = 1;          // reading weights
  double compute_factor = 1;            // matmuls
  double narrow_compute_factor = 1;     // of these, in fp8 and below
  double attention_factor = 1;          // time of attention over the cache
  double prefill_attention_factor = 1;  // time of attention among a prompt's tokens
  double expert_bandwidth_factor = 1;   // reading experts
  double expert_compute_factor = 1;     // grouped matmuls
  double attention_reread =
      0;                      // part of the cache that kernels read again for every query head of a group (until 2023)
  double routing_spread = 1;  // tokens of a batch choose experts as if there were so many times as many
  double expert_imbalance = 1;  // lambda of expert parallelism where the workload states none

  // Scheduling.
  double prefill_interference = 1;  // share of the other prompts' prefill by which a running sequence is held up
  double offline_prefill_interference = 1;  // the same when everything is queued at once
  double admission_steps = 1;               // decode steps that an arriving prompt waits
  double burst_queue = 1;    // weight of the first burst's queue, where every client sends its first prompt at once
  double steady_queue = 0;   // weight of the queue for prefill afterwards
  double synchronised = 0;   // share of rounds in which the prompts of a closed loop come as a wave, as in the first
  double dp_wait_steps = 0;  // attention data parallelism: decode steps that a prompt waits for its fellows
  double frontend_requests_per_s = 0;  // what the HTTP front end can take; 0 = no limit known
  double frontend_tokens_per_s = 0;
  double accepted_tokens = 1;         // tokens that a step gives each sequence: more than 1 with speculative decoding
  bool pipeline_microbatches = true;  // splits its sequences into a microbatch per stage
  // FasterTransformer's getLocalBatchSize: a batch that the stages divide is cut among them, then halved while a piece
  // has more tokens than this; 0 = as many microbatches as stages.
  int64_t microbatch_tokens = 0;

  std::string collectives = "nccl";  // family in catalog/collectives.json: "nccl", "vllm_custom", "trtllm", "shm", …

  // Memory.
  double memory_utilization = 0.9;   // share of a device's memory that the engine takes
  bool utilization_of_free = false;  // TensorRT-LLM: the share is of what is free after weights and activations
  double context_bytes = 0;          // per device: driver context, graphs, workspace
  double comm_bytes = 0;             // per device in a group: buffers of the collectives
  double output_reserve = 0.5;       // part of a request's output for which cache is held while it runs, on average
  int64_t max_num_batched_tokens = 8192;
  int64_t max_num_seqs = 256;
  int64_t max_num_seqs_offline = 256;  // where everything is queued at once
  int64_t block_size = 16;             // tokens of a KV block
  bool chunked_prefill = true;
  bool any_tp = false;    // kerf: TP need not divide the heads
  bool uneven_pp = true;  // layers per stage can be stated

  double relative_error = 0.3;  // one standard deviation of TPOT and throughput, from the residuals of the fit
};

}  // namespace kerf
