#include "kerf/engine/scheduler_config.h"

#include "kerf/base/check.h"
#include "kerf/engine/batch_limits.h"

namespace kerf {

Status SchedulerConfig::validate() const {
  KERF_TRY_STATUS(check_batch_limits(max_num_seqs, max_num_batched_tokens));
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
