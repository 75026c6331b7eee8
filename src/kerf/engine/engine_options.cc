#include "kerf/engine/engine_options.h"

#include <algorithm>
#include <limits>

#include "kerf/base/check.h"
#include "kerf/engine/batch_limits.h"

namespace kerf {

Status EngineOptions::validate(int64_t kernel_block) const {
  if (!(memory_utilization > 0 && memory_utilization <= 1)) {
    return fail("--memory-utilization is {}: give a number above 0 and at most 1", memory_utilization);
  }
  KERF_TRY_STATUS(check_batch_limits(max_num_seqs, max_num_batched_tokens));
  if (max_model_len < 0) return fail("--max-model-len is {}: give at least 1, or 0 for the model's", max_model_len);
  if (block_size != kernel_block) {
    return fail("--block-size is {}: the attention kernels walk the KV cache in blocks of {}, give that", block_size,
                kernel_block);
  }
  if (max_prompt_tokens_beside_decodes < 0) {
    return fail("--max-prompt-tokens-beside-decodes is {}: give at least 1, or 0 for no limit",
                max_prompt_tokens_beside_decodes);
  }
  return Ok{};
}

int64_t blocks_that_fit(const KvMemory& rank, double memory_utilization) {
  KERF_CHECK(rank.ranks_sharing >= 1 && rank.block >= 1);
  const auto share = static_cast<int64_t>(static_cast<double>(rank.memory) * memory_utilization / rank.ranks_sharing);
  const int64_t blocks = (share - rank.weights - rank.scratch) / rank.block;
  return std::clamp<int64_t>(blocks, 0, std::numeric_limits<int32_t>::max() - 1);
}

Result<KvSize> size_kv_cache(const EngineOptions& options, int64_t fit, int64_t model_max_len) {
  const int64_t block = options.block_size;
  int64_t length = options.max_model_len == 0 ? model_max_len : options.max_model_len;
  if (length > model_max_len) {
    return fail("--max-model-len {} is more than the model's {} positions", length, model_max_len);
  }
  if (fit * block < length && options.max_model_len == 0) length = fit * block;
  if (fit == 0) {
    return fail(
        "beside the weights no KV block of {} tokens fits into --memory-utilization {} of the memory: raise it, "
        "quantise the weights, or cut the model over more ranks",
        block, options.memory_utilization);
  }
  const int64_t longest = (length + block - 1) / block;
  if (fit < longest) {
    return fail(
        "one sequence of --max-model-len {} needs {} KV blocks of {} tokens, {} fit into --memory-utilization {} of "
        "the memory: lower --max-model-len to {}, or raise --memory-utilization",
        length, longest, block, fit, options.memory_utilization, fit * block);
  }
  return KvSize{.num_blocks = std::min(fit, options.max_num_seqs * longest), .max_model_len = length};
}

}  // namespace kerf
