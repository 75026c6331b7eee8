#include <algorithm>
#include <utility>

#include "kerf/base/check.h"
#include "kerf/engine/scheduler.h"

namespace kerf {
namespace {

// No smaller prompt chunk for balance's sake: below some tens of tokens a matmul is bound by reading
// the weights (the reference machine breaks even at 510 GFLOP/s / 43 GB/s = 12 tokens in bf16), so
// that cutting further costs what it gains.
constexpr int64_t kMinPromptShare = 64;

// The largest of `steps` almost equal parts.
int64_t share(int64_t amount, int64_t steps) { return (amount + steps - 1) / steps; }

}  // namespace

std::optional<Step> Scheduler::next() {
  if (num_in_flight() >= config_.steps_in_flight) return std::nullopt;
  Step step;
  take_decodes(step);
  const auto decodes = static_cast<int64_t>(step.tokens.size());
  take_prompts(step);
  if (step.spans.empty()) return std::nullopt;
  step.id = counts_.steps++;
  step.released = std::exchange(released_, {});
  making_.step = step.id;
  counts_.last_decode_tokens = decodes;
  counts_.last_prompt_tokens = making_.prompt_tokens;
  counts_.decode_tokens += decodes;
  counts_.prompt_tokens += making_.prompt_tokens;
  prompt_tokens_flying_ += making_.prompt_tokens;
  in_flight_.push_back(std::exchange(making_, {}));
  return step;
}

// Six decodes on four stages go as 2, 2, 1, 1: no step takes more than an even share of all decoding
// sequences, nor so many of those at hand that the steps still to be sent find none.
void Scheduler::take_decodes(Step& step) {
  const int64_t at_hand = share(static_cast<int64_t>(ready_.size()), config_.steps_in_flight - num_in_flight());
  const auto limit = static_cast<size_t>(
      std::min({at_hand, share(decoding_, config_.steps_in_flight), config_.max_num_batched_tokens}));
  std::vector<Sequence*> chosen;
  chosen.reserve(limit);
  while (chosen.size() < limit && !ready_.empty()) {
    Sequence* sequence = ready_.front();
    ready_.pop_front();
    const int64_t preemptions = counts_.preemptions;
    if (make_room(*sequence)) chosen.push_back(sequence);
    if (counts_.preemptions > preemptions) std::erase_if(chosen, [](const Sequence* s) { return !s->has_slot(); });
  }
  making_.parts.reserve(chosen.size() + 1);
  step.spans.reserve(chosen.size() + 1);
  for (Sequence* sequence : chosen) take(*sequence, 1, LogitsWanted::kLast, step);
}

// For the sequence's next token. False when it is itself the one to be preempted.
bool Scheduler::make_room(Sequence& sequence) {
  const bool grew = may_grow(sequence);
  while (!sequence.blocks.grow_to(sequence.scheduled + 1, pool_)) {
    Sequence* victim = *preemptible_.rbegin();
    preempt(*victim);
    if (victim == &sequence) return false;
  }
  growing_ -= grew && !may_grow(sequence) ? 1 : 0;
  return true;
}

bool Scheduler::may_grow(const Sequence& sequence) const {
  return !sequence.request.score && sequence.blocks.size() < pool_.blocks_for(positions_needed(sequence));
}

void Scheduler::take_prompts(Step& step) {
  int64_t left = prompt_budget(step);
  int64_t score_rows = config_.max_score_rows;
  while (left > 0) {
    Sequence* sequence = next_prompt();
    if (sequence == nullptr) return;
    const bool score = sequence->request.score;
    const int64_t wanted = sequence->prefill_left();
    const int64_t chunk = std::min({wanted, left, score ? score_rows : wanted});
    const LogitsWanted logits = score             ? LogitsWanted::kAll
                                : chunk == wanted ? LogitsWanted::kLast
                                                  : LogitsWanted::kNone;
    if (chunk > 0) take(*sequence, chunk, logits, step);
    if (chunk < wanted) return;
    left -= chunk;
    if (score) score_rows -= chunk;
  }
}

// How many prompt tokens the step takes: its share of those in flight and of those to be computed.
int64_t Scheduler::prompt_budget(const Step& step) const {
  int64_t there = prompt_tokens_flying_ + prefill_left_;
  if (queue_.size() > 0) {
    const auto slots = static_cast<int64_t>(free_slots_.size());
    there += queue_.tokens() * std::min(slots, queue_.size()) / queue_.size();
  }
  int64_t budget = config_.max_num_batched_tokens - static_cast<int64_t>(step.tokens.size());
  const int64_t beside_decodes = config_.max_prompt_tokens_beside_decodes;
  if (beside_decodes > 0 && decoding_ > 0) budget = std::min(budget, beside_decodes);
  return std::min(budget, std::max(share(there, config_.steps_in_flight), kMinPromptShare));
}

// Whose prompt goes on. Nobody is admitted before those that were are through, but for a higher priority.
Sequence* Scheduler::next_prompt() {
  Sequence* front = prefilling_.empty() ? nullptr : *prefilling_.begin();
  const Waiting* candidate = queue_.next();
  if (candidate == nullptr || free_slots_.empty()) return front;
  if (front != nullptr && (front->aged || candidate->request.priority >= front->request.priority)) return front;
  if (!admit_next()) return front;
  return *prefilling_.begin();
}

bool Scheduler::admit_next() {
  auto& sequence = static_cast<Sequence&>(*queue_.next());
  const int64_t at_hand = pool_.num_free() - growing_;
  const bool fewer = refused_ && refused_->first == sequence.arrival && at_hand <= refused_->second;
  if (fewer) return false;
  const bool use_cache = config_.enable_prefix_caching && !sequence.request.score;
  const std::optional<int64_t> cached = sequence.blocks.start(sequence.tokens, use_cache, growing_, pool_);
  if (!cached) {
    refused_ = {sequence.arrival, at_hand};
    return false;
  }
  refused_.reset();
  queue_.take_next();
  sequence.slot = free_slots_.back();
  free_slots_.pop_back();
  sequence.state = Sequence::State::kPrefilling;
  sequence.scheduled = *cached;
  sequence.prefill_end = sequence.size();
  sequence.charged = std::max(sequence.charged, *cached);
  prefilling_.insert(&sequence);
  prefill_left_ += sequence.prefill_left();
  if (!sequence.request.score) preemptible_.insert(&sequence);
  growing_ += may_grow(sequence) ? 1 : 0;
  if (use_cache && !std::exchange(sequence.looked_up, true)) {
    counts_.prefix_queries += sequence.size();
    counts_.prefix_hits += *cached;
    sequence.cached_tokens = std::min(*cached, sequence.prompt_tokens);
  }
  return true;
}

void Scheduler::take(Sequence& sequence, int64_t tokens, LogitsWanted logits, Step& step) {
  if (!std::exchange(sequence.started, true)) start(sequence, step);
  const int64_t first = sequence.scheduled;
  const std::span<const int32_t> all(sequence.tokens);
  step.add_span(sequence.slot, first, all.subspan(static_cast<size_t>(first), static_cast<size_t>(tokens)),
                sequence.blocks.ids(), config_.block_size, logits);
  making_.parts.push_back({sequence.shared_from_this(), sequence.slot, logits, first, tokens});
  const bool prefill = sequence.state == Sequence::State::kPrefilling;
  sequence.scheduled += tokens;
  if (prefill) {
    making_.prompt_tokens += tokens;
    prefill_left_ -= tokens;
  }
  if (sequence.prefill_left() <= 0) sequence.state = Sequence::State::kAwaiting;
  if (prefill && sequence.state == Sequence::State::kAwaiting) {
    prefilling_.erase(&sequence);
    decoding_ += sequence.request.score ? 0 : 1;
  }
  const int64_t unpaid = std::max<int64_t>(0, sequence.scheduled - sequence.charged);
  queue_.charge(sequence.request.tenant, unpaid * (prefill ? 1 : kDecodeWeight));
  sequence.charged += unpaid;
  if (config_.enable_prefix_caching && !sequence.request.score) {
    sequence.blocks.publish(sequence.tokens, sequence.scheduled, pool_);
  }
}

// What the last stage must know; the tokens that the cache holds are in no span.
void Scheduler::start(Sequence& sequence, Step& step) {
  NewSequence& started = step.started.emplace_back();
  started.slot = sequence.slot;
  started.request = sequence.request.id;
  started.prompt_tokens = static_cast<int32_t>(sequence.prompt_tokens);
  started.params = sequence.request.params.for_sampler();
  started.cached_ids.assign(sequence.tokens.begin(),
                            sequence.tokens.begin() + static_cast<ptrdiff_t>(sequence.scheduled));
}

}  // namespace kerf
