#include "kerf/engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {
namespace {

// No smaller prompt chunk for balance's sake: below some tens of tokens a matmul is bound by reading
// the weights (the reference machine breaks even at 510 GFLOP/s / 43 GB/s = 12 tokens in bf16), so
// that cutting further costs what it gains.
constexpr int64_t kMinPromptShare = 64;

// The largest of `steps` almost equal parts.
int64_t share(int64_t amount, int64_t steps) { return (amount + steps - 1) / steps; }

bool contains(const std::vector<int32_t>& ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

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
  return Ok{};
}

StepBounds SchedulerConfig::bounds() const {
  return {.vocab_size = vocab_size,
          .num_slots = max_num_seqs,
          .num_blocks = num_blocks,
          .block_size = block_size,
          .max_model_len = max_model_len};
}

Scheduler::Scheduler(SchedulerConfig config)
    : config_(std::move(config)), pool_(config_.num_blocks, config_.block_size) {
  KERF_CHECK(config_.validate().ok());
  for (int64_t slot = config_.max_num_seqs - 1; slot >= 0; --slot) free_slots_.push_back(static_cast<int32_t>(slot));
}

// The last token is reported but never computed upon.
int64_t Scheduler::positions_needed(const Request& request) const {
  const auto prompt = static_cast<int64_t>(request.prompt_ids.size());
  if (request.score) return prompt;
  return prompt + std::min(request.params.max_tokens, config_.max_model_len - prompt) - 1;
}

Status Scheduler::add(Request request) {
  KERF_TRY_STATUS(request.params.validate());
  const auto prompt = static_cast<int64_t>(request.prompt_ids.size());
  if (prompt == 0) return fail("the prompt of request {} is empty: give at least one token", request.id);
  for (const int32_t id : request.prompt_ids) {
    if (id < 0 || id >= config_.vocab_size) {
      return fail("token id {} in the prompt of request {} is not in the vocabulary: give 0 to {}", id, request.id,
                  config_.vocab_size - 1);
    }
  }
  const int64_t longest = config_.max_model_len - (request.score ? 0 : 1);
  if (prompt > longest) {
    return fail("the prompt of request {} has {} tokens, --max-model-len is {}: shorten it to {}", request.id, prompt,
                config_.max_model_len, longest);
  }
  const int64_t blocks = pool_.blocks_for(positions_needed(request));
  if (blocks > pool_.num_blocks()) {
    return fail(
        "request {} (prompt {}, --max-tokens {}) needs {} KV blocks of {} tokens, the cache has {}: lower "
        "--max-tokens, shorten the prompt or give the cache more memory",
        request.id, prompt, request.params.max_tokens, blocks, pool_.block_size(), pool_.num_blocks());
  }
  if (sequences_.contains(request.id)) return fail("a request with id {} is running already", request.id);

  waiting_.push_back(request.id);
  Sequence& sequence = sequences_[request.id];
  sequence.tokens = request.prompt_ids;
  sequence.request = std::move(request);
  return Ok{};
}

std::optional<Step> Scheduler::next() {
  if (num_in_flight() >= config_.steps_in_flight) return std::nullopt;
  admit();
  Step step;
  take_decodes(step);
  take_prompts(step);
  if (step.spans.empty()) return std::nullopt;
  step.id = next_step_++;
  step.released = std::exchange(released_, {});
  in_flight_.push_back({step.id, std::exchange(parts_, {})});
  return step;
}

void Scheduler::admit() {
  while (!waiting_.empty() && !free_slots_.empty()) {
    Sequence& sequence = sequences_.at(waiting_.front());
    if (!sequence.blocks.grow_to(positions_needed(sequence.request), pool_)) return;
    sequence.slot = free_slots_.back();
    free_slots_.pop_back();
    running_.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

// Six decodes on four stages go as 2, 2, 1, 1: no step takes more than an even share of all decoding
// sequences, nor so many of those at hand that the steps still to be sent find none.
void Scheduler::take_decodes(Step& step) {
  const auto decoding = std::count_if(running_.begin(), running_.end(), [&](RequestId id) {
    const Sequence& sequence = sequences_.at(id);
    return !sequence.ended && !sequence.request.score && sequence.decoding();
  });
  const int64_t at_hand = share(static_cast<int64_t>(ready_.size()), config_.steps_in_flight - num_in_flight());
  const int64_t limit = std::min({at_hand, share(decoding, config_.steps_in_flight), config_.max_num_batched_tokens});
  for (int64_t n = 0; n < limit; ++n) {
    take(sequences_.at(ready_.front()), 1, LogitsWanted::kLast, step);
    ready_.pop_front();
  }
}

void Scheduler::take_prompts(Step& step) {
  int64_t there = 0;  // prompt tokens in flight or to be computed
  for (const InFlight& flying : in_flight_) {
    for (const Part& part : flying.parts) there += part.prompt_tokens;
  }
  for (const RequestId id : running_) there += sequences_.at(id).prompt_left();

  const auto budget = config_.max_num_batched_tokens - static_cast<int64_t>(step.tokens.size());
  int64_t left = std::min(budget, std::max(share(there, config_.steps_in_flight), kMinPromptShare));
  int64_t score_rows = config_.max_score_rows;
  for (const RequestId id : running_) {
    Sequence& sequence = sequences_.at(id);
    const bool score = sequence.request.score;
    const int64_t wanted = sequence.prompt_left();
    if (wanted == 0) continue;
    const int64_t chunk = std::min({wanted, left, score ? score_rows : wanted});
    const LogitsWanted logits = score             ? LogitsWanted::kAll
                                : chunk == wanted ? LogitsWanted::kLast
                                                  : LogitsWanted::kNone;
    if (chunk > 0) take(sequence, chunk, logits, step);
    if (chunk < wanted) return;  // nobody overtakes
    left -= chunk;
    if (score) score_rows -= chunk;
  }
}

void Scheduler::take(Sequence& sequence, int64_t tokens, LogitsWanted logits, Step& step) {
  const Request& request = sequence.request;
  if (sequence.scheduled == 0) {
    NewSequence& started = step.started.emplace_back();
    started.slot = sequence.slot;
    started.request = request.id;
    started.prompt_tokens = static_cast<int32_t>(sequence.prompt_size());
    started.params = request.params.for_sampler();
  }
  const int64_t first = sequence.scheduled;
  const std::span<const int32_t> all(sequence.tokens);
  step.add_span(sequence.slot, first, all.subspan(static_cast<size_t>(first), static_cast<size_t>(tokens)),
                sequence.blocks.ids(), config_.block_size, logits);
  parts_.push_back({request.id, sequence.slot, logits, first, tokens, sequence.decoding() ? 0 : tokens});
  sequence.scheduled += tokens;
  ++sequence.in_flight;
}

Status Scheduler::check(const StepOutput& output) const {
  if (in_flight_.empty()) return fail("an output for step {} came, but no step is in flight", output.step);
  const InFlight& expected = in_flight_.front();
  if (output.step != expected.step)
    return fail("an output for step {} came before step {}'s", output.step, expected.step);
  size_t at = 0;
  for (const Part& part : expected.parts) {
    if (part.logits == LogitsWanted::kNone) continue;
    if (at == output.rows.size()) return fail("the output of step {} ends after {} rows", output.step, at);
    const OutputRow& row = output.rows[at++];
    if (row.slot != part.slot)
      return fail("the output of step {} has slot {}, not {}", output.step, row.slot, part.slot);
    if (!row.error.empty()) continue;
    const auto logits = static_cast<int64_t>(row.logits.size());
    const bool fits = part.logits == LogitsWanted::kAll
                          ? logits == part.tokens * config_.vocab_size
                          : row.sampled.token >= 0 && row.sampled.token < config_.vocab_size;
    if (!fits) return fail("the output of step {} for slot {} is malformed", output.step, row.slot);
  }
  if (at != output.rows.size())
    return fail("the output of step {} has {} rows too many", output.step, output.rows.size() - at);
  return Ok{};
}

Result<std::vector<SequenceUpdate>> Scheduler::on_output(StepOutput output) {
  KERF_TRY_STATUS(check(output));
  const InFlight done = std::move(in_flight_.front());
  in_flight_.pop_front();
  std::vector<SequenceUpdate> updates;
  size_t at = 0;
  for (const Part& part : done.parts) {
    Sequence& sequence = sequences_.at(part.request);
    --sequence.in_flight;
    OutputRow row = part.logits == LogitsWanted::kNone ? OutputRow{} : std::move(output.rows[at++]);
    if (!sequence.ended && part.logits != LogitsWanted::kNone) {
      updates.push_back(apply(part, std::move(row), sequence));
      sequence.ended = updates.back().finish.has_value();
      if (!sequence.ended && part.logits == LogitsWanted::kLast) ready_.push_back(part.request);
    }
    if (sequence.ended && sequence.in_flight == 0) retire(part.request);
  }
  return updates;
}

SequenceUpdate Scheduler::apply(const Part& part, OutputRow row, Sequence& sequence) {
  SequenceUpdate update{.request = part.request, .position = part.first_position};
  if (!row.error.empty()) {
    update.error = std::move(row.error);
    update.finish = FinishReason::kError;
  } else if (part.logits == LogitsWanted::kAll) {
    update.logits = std::move(row.logits);
    if (part.first_position + part.tokens == sequence.prompt_size()) update.finish = FinishReason::kLength;
  } else {
    update.position = static_cast<int64_t>(sequence.tokens.size());
    sequence.tokens.push_back(row.sampled.token);
    update.token = std::move(row.sampled);
    update.finish = finish_reason(sequence);
  }
  return update;
}

std::optional<FinishReason> Scheduler::finish_reason(const Sequence& sequence) const {
  const SamplingParams& params = sequence.request.params;
  const int32_t last = sequence.tokens.back();
  if (!params.ignore_eos && contains(config_.eos_ids, last)) return FinishReason::kStop;
  if (contains(params.stop_token_ids, last)) return FinishReason::kStop;
  const auto size = static_cast<int64_t>(sequence.tokens.size());
  if (size - sequence.prompt_size() >= params.max_tokens || size >= config_.max_model_len) return FinishReason::kLength;
  return std::nullopt;
}

bool Scheduler::end(RequestId request) {
  const auto found = sequences_.find(request);
  if (found == sequences_.end() || found->second.ended) return false;
  std::erase(waiting_, request);
  std::erase(ready_, request);
  found->second.ended = true;
  if (found->second.in_flight == 0) retire(request);
  return true;
}

void Scheduler::retire(RequestId id) {
  Sequence& sequence = sequences_.at(id);
  if (sequence.slot >= 0) {
    if (sequence.scheduled > 0) released_.push_back(sequence.slot);
    free_slots_.push_back(sequence.slot);
    sequence.blocks.release(pool_);
    std::erase(running_, id);
  }
  sequences_.erase(id);
}

}  // namespace kerf
