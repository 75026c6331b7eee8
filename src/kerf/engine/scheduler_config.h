// SchedulerConfig: the limits that the scheduler keeps to, and the counts that it gives.
#pragma once

#include <cstdint>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/step.h"

namespace kerf {

struct SchedulerConfig {
  int64_t max_num_seqs = 256;             // sequences at once, and slots
  int64_t max_num_batched_tokens = 2048;  // tokens per step
  int64_t max_score_rows = 256;           // rows of logits per step that go to rank 0 whole
  int steps_in_flight = 1;                // pipeline stages
  int64_t max_model_len = 0;              // tokens of prompt and output together
  int64_t vocab_size = 0;
  int64_t num_blocks = 0;  // of the KV cache
  int64_t block_size = 0;  // positions per block
  std::vector<int32_t> eos_ids;
  bool enable_prefix_caching = false;
  // Prompt tokens per step while other sequences decode, whose next tokens wait for them; 0 = as many as without.
  int64_t max_prompt_tokens_beside_decodes = 0;

  [[nodiscard]] Status validate() const;
  [[nodiscard]] StepBounds bounds() const;
};

// Now, and since the start. For a server's metrics.
struct SchedulerStats {
  int64_t waiting = 0;  // the preempted among them
  int64_t running = 0;
  int64_t steps_in_flight = 0;
  int64_t blocks = 0;         // of the KV cache
  int64_t blocks_used = 0;    // that a running sequence holds
  int64_t blocks_cached = 0;  // that nobody holds, but that keep a prefix; the rest is free

  int64_t steps = 0;          // made
  int64_t prompt_tokens = 0;  // put into them: prompts and what is recomputed
  int64_t decode_tokens = 0;
  int64_t preemptions = 0;     // vLLM's num_preemptions
  int64_t prefix_queries = 0;  // tokens looked up in the prefix cache, once per request
  int64_t prefix_hits = 0;     // tokens of them that were there

  int64_t last_prompt_tokens = 0;  // of the newest step
  int64_t last_decode_tokens = 0;
};

}  // namespace kerf
