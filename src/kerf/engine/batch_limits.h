// What holds for the limits of a batch, whether a user gives them or a job derives them.
#pragma once

#include <cstdint>

#include "kerf/base/result.h"

namespace kerf {

// Errors name the flags and their values.
[[nodiscard]] inline Status check_batch_limits(int64_t max_num_seqs, int64_t max_num_batched_tokens) {
  if (max_num_seqs < 1) return fail("--max-num-seqs is {}: give at least 1", max_num_seqs);
  if (max_num_batched_tokens < max_num_seqs) {
    return fail(
        "--max-num-batched-tokens is {}, fewer than --max-num-seqs {}: a step must have room for one token of "
        "each sequence",
        max_num_batched_tokens, max_num_seqs);
  }
  return Ok{};
}

}  // namespace kerf
