// SlotSampler: the last stage's side of sampling. Keeps each slot's parameters and tokens, as steps bring them, and
// turns a step's rows of logits into its StepOutput.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kerf/engine/guide.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/step.h"

namespace kerf {

// Threading: none; one per last stage, on the rank that has whole rows of logits.
class SlotSampler {
 public:
  SlotSampler(int64_t num_slots, int64_t vocab_size, SamplingVocabulary vocabulary = {});

  // Call for every step, in order, whether it wants logits or not.
  // REQUIRES: step.check() passed for these bounds, and `step` continues the steps before it.
  //   logits  // [step.wanted_rows().size(), vocab] f32
  [[nodiscard]] StepOutput answer(const Step& step, std::span<const float> logits);

 private:
  struct Slot {
    RequestId request = 0;
    size_t prompt_tokens = 0;
    SamplingParams params;
    std::vector<int32_t> tokens;  // all that the cache held and steps have brought, by position
    std::optional<Guide> guide;   // of params.grammar; made when the first token is sampled
  };
  void take_in(const Step& step);
  [[nodiscard]] Result<SampledToken> sample(Slot& slot, std::span<const float> logits);
  // What min_tokens forbids as long as it counts.
  [[nodiscard]] std::vector<int32_t> ending_tokens(const SamplingParams& params) const;

  size_t vocab_;
  SamplingVocabulary vocabulary_;
  Grammars grammars_;
  std::vector<Slot> slots_;
  Sampler sampler_;
};

}  // namespace kerf
