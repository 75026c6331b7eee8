// EngineOptions: a server's limits, as its command line says them; and how many KV blocks they come to. Names and
// meanings are vLLM's. Pure functions.
#pragma once

#include <cstdint>

#include "kerf/base/result.h"

namespace kerf {

struct EngineOptions {
  double memory_utilization = 0.9;       // of the host's or device's memory, for everything
  int64_t max_num_seqs = 256;            // sequences at once
  int64_t max_num_batched_tokens = 512;  // tokens in a step
  int64_t max_model_len = 0;             // 0 = the model's, or what memory holds
  int64_t block_size = 64;               // positions in a KV block
  bool enable_prefix_caching = true;
  int replicas = 1;  // that share each host's memory
  // Prompt tokens in a step while other sequences decode, whose next tokens wait for the whole step; 0 = no limit of
  // its own. Large enough for matmuls to be bound by arithmetic (on the reference machine 12 tokens in bf16, more in
  // int8), and no larger: a core computes few tokens in the time that a user notices. Of 128, 32 and 16, with 64
  // clients at once, 32 gave the most tokens a second, and a quarter of 128's time between two tokens.
  int64_t max_prompt_tokens_beside_decodes = 32;

  // One sentence that names the flag. kernel_block: positions in a block of the attention kernels.
  [[nodiscard]] Status validate(int64_t kernel_block) const;
};

// What one rank has, and what a block takes of it: its layers' keys and values for its KV heads. In bytes.
struct KvMemory {
  int64_t memory = 0;     // of the host or device
  int ranks_sharing = 1;  // of all replicas
  int64_t weights = 0;
  int64_t scratch = 0;  // at most held at once
  int64_t block = 1;
};

// Blocks that fit into the rank's even share of memory_utilization · memory beside its weights and scratch; 0 = none.
[[nodiscard]] int64_t blocks_that_fit(const KvMemory& rank, double memory_utilization);

struct KvSize {
  int64_t num_blocks = 0;
  int64_t max_model_len = 0;
};

// Of a replica on whose poorest rank `fit` blocks fit. No more than max_num_seqs of the longest sequences could use.
// Fails when not one of them fits; a length that nobody asked for (options.max_model_len is 0) is shortened first.
[[nodiscard]] Result<KvSize> size_kv_cache(const EngineOptions& options, int64_t fit, int64_t model_max_len);

}  // namespace kerf
