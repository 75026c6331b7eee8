#include "kerf/engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

Scheduler::Scheduler(SchedulerConfig config)
    : config_(std::move(config)), pool_(config_.num_blocks, config_.block_size) {
  KERF_CHECK(config_.validate().ok());
  for (int64_t slot = config_.max_num_seqs - 1; slot >= 0; --slot) free_slots_.push_back(static_cast<int32_t>(slot));
}

Status Scheduler::add(Request request) {
  KERF_TRY_STATUS(check(request));
  auto sequence = std::make_shared<Sequence>();
  sequence->prompt_tokens = static_cast<int64_t>(request.prompt_ids.size());
  sequence->tokens = std::exchange(request.prompt_ids, {});
  sequence->tokens.insert(sequence->tokens.end(), request.output_ids.begin(), request.output_ids.end());
  const int64_t known = static_cast<int64_t>(std::exchange(request.output_ids, {}).size());
  sequence->request = std::move(request);
  const RequestId id = sequence->request.id;
  if (known > 0 && finish_reason(*sequence)) {
    return fail("request {} is complete with the {} output ids that it brings: there is nothing to go on with", id,
                known);
  }
  const int64_t blocks = pool_.blocks_for(positions_needed(*sequence));
  if (blocks > pool_.num_blocks()) {
    return fail(
        "request {} (prompt {}, --max-tokens {}) needs {} KV blocks of {} tokens, the cache has {}: lower "
        "--max-tokens, shorten the prompt or give the cache more memory",
        id, sequence->prompt_tokens, sequence->request.params.max_tokens, blocks, pool_.block_size(),
        pool_.num_blocks());
  }
  sequence->arrival = arrivals_++;
  queue_.push(*sequence, sequence->size());
  sequences_.emplace(id, std::move(sequence));
  return Ok{};
}

Status Scheduler::check(const Request& request) const {
  KERF_TRY_STATUS(request.params.validate());
  const auto prompt = static_cast<int64_t>(request.prompt_ids.size());
  if (prompt == 0) return fail("the prompt of request {} is empty: give at least one token", request.id);
  for (const auto* ids : {&request.prompt_ids, &request.output_ids}) {
    for (const int32_t id : *ids) {
      if (id >= 0 && id < config_.vocab_size) continue;
      return fail("token id {} in the {} of request {} is not in the vocabulary: give 0 to {}", id,
                  ids == &request.prompt_ids ? "prompt" : "output", request.id, config_.vocab_size - 1);
    }
  }
  if (request.score && !request.output_ids.empty()) {
    return fail("request {} is to be scored and brings output ids: put them into the prompt", request.id);
  }
  for (const auto& [token, bias] : request.params.logit_bias) {
    if (token >= config_.vocab_size) {
      return fail("--logit-bias names token {}, which is not in the vocabulary: give 0 to {}", token,
                  config_.vocab_size - 1);
    }
  }
  const int64_t longest = config_.max_model_len - (request.score ? 0 : 1);
  if (prompt > longest) {
    return fail("the prompt of request {} has {} tokens, --max-model-len is {}: shorten it to {}", request.id, prompt,
                config_.max_model_len, longest);
  }
  if (sequences_.contains(request.id)) return fail("a request with id {} is running already", request.id);
  return Ok{};
}

// The last token is reported but never computed upon.
int64_t Scheduler::positions_needed(const Sequence& sequence) const {
  const int64_t prompt = sequence.prompt_tokens;
  if (sequence.request.score) return prompt;
  return prompt + std::min(sequence.request.params.max_tokens, config_.max_model_len - prompt) - 1;
}

bool Scheduler::end(RequestId request) {
  const auto found = sequences_.find(request);
  if (found == sequences_.end()) return false;
  finish(*found->second);
  return true;
}

void Scheduler::finish(Sequence& sequence) {
  if (sequence.has_slot()) leave_batch(sequence);
  if (sequence.state == Sequence::State::kWaiting) queue_.erase(sequence);
  sequence.state = Sequence::State::kEnded;
  sequences_.erase(RequestId{sequence.request.id});
}

// Gives back all that admission gave.
void Scheduler::leave_batch(Sequence& sequence) {
  if (sequence.state == Sequence::State::kPrefilling) {
    prefilling_.erase(&sequence);
    prefill_left_ -= sequence.prefill_left();
  } else if (!sequence.request.score) {
    --decoding_;
  }
  if (sequence.state == Sequence::State::kReady) std::erase(ready_, &sequence);
  preemptible_.erase(&sequence);
  growing_ -= may_grow(sequence) ? 1 : 0;
  if (sequence.started) released_.push_back(sequence.slot);
  free_slots_.push_back(sequence.slot);
  sequence.blocks.release(pool_);
  sequence.slot = -1;
  sequence.started = false;
  sequence.scheduled = 0;
}

void Scheduler::preempt(Sequence& sequence) {
  const bool token_under_way = sequence.state == Sequence::State::kAwaiting;
  leave_batch(sequence);
  ++counts_.preemptions;
  sequence.state = token_under_way ? Sequence::State::kParked : Sequence::State::kWaiting;
  if (!token_under_way) queue_.push(sequence, sequence.size());
}

SchedulerStats Scheduler::stats() const {
  SchedulerStats stats = counts_;
  stats.waiting = num_waiting();
  stats.running = num_running();
  stats.steps_in_flight = num_in_flight();
  stats.blocks = pool_.num_blocks();
  stats.blocks_used = pool_.num_blocks() - pool_.num_free();
  stats.blocks_cached = pool_.num_cached();
  return stats;
}

}  // namespace kerf
