#include "kerf/engine/slot_sampler.h"

#include <algorithm>
#include <utility>

#include "kerf/base/check.h"

namespace kerf {

SlotSampler::SlotSampler(int64_t num_slots, int64_t vocab_size, SamplingVocabulary vocabulary)
    : vocab_(static_cast<size_t>(vocab_size)),
      vocabulary_(std::move(vocabulary)),
      grammars_(vocabulary_.load),
      slots_(static_cast<size_t>(num_slots)) {}

// A sampled token comes back as the input of the sequence's next step, so the tokens that steps bring, after those that
// the cache held, are the whole history.
void SlotSampler::take_in(const Step& step) {
  for (const int32_t slot : step.released) slots_[static_cast<size_t>(slot)] = Slot{};
  for (const NewSequence& s : step.started) {
    slots_[static_cast<size_t>(s.slot)] =
        Slot{s.request, static_cast<size_t>(s.prompt_tokens), s.params, s.cached_ids, {}};
  }
  for (const SequenceSpan& span : step.spans) {
    std::vector<int32_t>& history = slots_[static_cast<size_t>(span.slot)].tokens;
    KERF_CHECK(history.size() == static_cast<size_t>(span.first_position), "a step skips tokens of a sequence");
    const auto tokens = step.tokens_of(span);
    history.insert(history.end(), tokens.begin(), tokens.end());
  }
}

StepOutput SlotSampler::answer(const Step& step, std::span<const float> logits) {
  take_in(step);
  StepOutput output{.step = step.id};
  size_t at = 0;
  for (const SequenceSpan& span : step.spans) {
    if (span.logits == LogitsWanted::kNone) continue;
    const size_t size = static_cast<size_t>(span.rows()) * vocab_;
    KERF_CHECK(at + size <= logits.size(), "fewer rows of logits than the step wants");
    const auto rows = logits.subspan(at, size);
    at += size;

    OutputRow& row = output.rows.emplace_back(OutputRow{.slot = span.slot});
    if (span.logits == LogitsWanted::kAll) {
      row.logits.assign(rows.begin(), rows.end());
      continue;
    }
    Result<SampledToken> sampled = sample(slots_[static_cast<size_t>(span.slot)], rows);
    if (sampled.ok()) {
      row.sampled = *std::move(sampled);
    } else {
      row.error = sampled.error().message;
    }
  }
  return output;
}

Result<SampledToken> SlotSampler::sample(Slot& slot, std::span<const float> logits) {
  const std::span<const int32_t> tokens(slot.tokens);
  const size_t prompt = std::min(slot.prompt_tokens, tokens.size());
  const std::span<const int32_t> output = tokens.subspan(prompt);
  SampleArgs args{.logits = logits,
                  .params = slot.params,
                  .prompt = tokens.first(prompt),
                  .output = output,
                  .position = static_cast<int64_t>(tokens.size()),
                  .request = slot.request};
  if (!slot.params.grammar.empty()) {
    if (!slot.guide) {
      KERF_TRY(std::shared_ptr<TokenMasks> masks, grammars_.find(slot.params.grammar));
      slot.guide.emplace(std::move(masks));
    }
    KERF_TRY(args.rules, slot.guide->after(output, vocabulary_.eos_ids));
  }
  std::vector<int32_t> forbidden;
  if (static_cast<int64_t>(output.size()) < slot.params.min_tokens) {
    // Where a grammar allows nothing but the end, the end may come early.
    const bool can_go_on = args.rules.allowed == nullptr || args.rules.allowed->count() > 0;
    if (can_go_on) forbidden = ending_tokens(slot.params);
    args.rules.forbidden = forbidden;
  }
  return sampler_.sample(args);
}

std::vector<int32_t> SlotSampler::ending_tokens(const SamplingParams& params) const {
  std::vector<int32_t> ids = params.stop_token_ids;
  if (!params.ignore_eos) ids.insert(ids.end(), vocabulary_.eos_ids.begin(), vocabulary_.eos_ids.end());
  return ids;
}

}  // namespace kerf
