#include "kerf/engine/slot_sampler.h"

#include <algorithm>

#include "kerf/base/check.h"

namespace kerf {

SlotSampler::SlotSampler(int64_t num_slots, int64_t vocab_size)
    : vocab_(static_cast<size_t>(vocab_size)), slots_(static_cast<size_t>(num_slots)) {}

// A sampled token comes back as the input of the sequence's next step, so the tokens that steps bring, after those that
// the cache held, are the whole history.
void SlotSampler::take_in(const Step& step) {
  for (const int32_t slot : step.released) slots_[static_cast<size_t>(slot)] = Slot{};
  for (const NewSequence& s : step.started) {
    slots_[static_cast<size_t>(s.slot)] = Slot{s.request, static_cast<size_t>(s.prompt_tokens), s.params, s.cached_ids};
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
    const Slot& slot = slots_[static_cast<size_t>(span.slot)];
    const std::span<const int32_t> tokens(slot.tokens);
    const size_t prompt = std::min(slot.prompt_tokens, tokens.size());
    auto sampled = sampler_.sample({rows, slot.params, tokens.first(prompt), tokens.subspan(prompt),
                                    static_cast<int64_t>(tokens.size()), slot.request});
    if (sampled.ok()) {
      row.sampled = *std::move(sampled);
    } else {
      row.error = sampled.error().message;
    }
  }
  return output;
}

}  // namespace kerf
