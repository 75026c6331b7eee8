#include "kerf/engine/scheduler_config.h"

#include "kerf/base/check.h"

namespace kerf {

Status SchedulerConfig::validate() const {
  if (max_num_seqs < 1) return fail("--max-num-seqs is {}: give at least 1", max_num_seqs);
  if (max_num_batched_tokens < max_num_seqs) {
    return fail(
        "--max-num-batched-tokens is {}, fewer than --max-num-seqs {}: a step must have room for one token of "
        "each sequence",
        max_num_batched_tokens, max_num_seqs);
  }
  if (max_model_len < 1 || max_model_len > INT32_MAX) {
    return fail("--max-model-len is {}: give 1 to {}", max_model_len, INT32_MAX);
  }
  if (num_blocks < 1) return fail("the KV cache has no room for a single block: give it more memory");
  KERF_CHECK(max_score_rows >= 1 && steps_in_flight >= 1 && vocab_size >= 1 && block_size >= 1);
  KERF_CHECK(max_prompt_tokens_beside_decodes >= 0);
  return Ok{};
}

StepBounds SchedulerConfig::bounds() const {
  return {.vocab_size = vocab_size,
          .num_slots = max_num_seqs,
          .num_blocks = num_blocks,
          .block_size = block_size,
          .max_model_len = max_model_len};
}

}  // namespace kerf
