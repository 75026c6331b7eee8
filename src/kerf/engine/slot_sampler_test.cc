#include "kerf/engine/slot_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace kerf {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kVocab = 500;
const std::vector<int32_t> kBlocks(8);  // sampling does not look at them

// Logits that depend on the sequence and position alone, as the model's do.
std::vector<float> logits_of(RequestId request, int64_t position) {
  std::mt19937_64 rng(static_cast<uint64_t>(request * 1000 + position));
  std::vector<float> row(static_cast<size_t>(kVocab));
  for (float& x : row) x = static_cast<float>(rng() % 6000) / 1000;
  return row;
}

const SamplingParams kParams{
    .temperature = 0.9, .top_p = 0.95, .repetition_penalty = 1.2, .frequency_penalty = 0.3, .seed = 77};
const std::vector<int32_t> kPrompt = {4, 8, 15};

struct Driver {
  SlotSampler sampler{8, kVocab};
  int64_t next_id = 0;
  std::vector<float> logits;
  Step step;

  void add(int32_t slot, RequestId request, int64_t position, std::span<const int32_t> tokens, LogitsWanted wanted) {
    step.add_span(slot, position, tokens, kBlocks, 64, wanted);
    const int64_t end = position + static_cast<int64_t>(tokens.size());
    for (int64_t p = end - step.spans.back().rows(); p < end; ++p) {
      const auto row = logits_of(request, p);
      logits.insert(logits.end(), row.begin(), row.end());
    }
  }
  StepOutput run() {
    step.id = next_id++;
    StepOutput output = sampler.answer(step, logits);
    step = {};
    logits.clear();
    return output;
  }
};

// The first `count` tokens of request 1, alone or beside other sequences, in another slot.
std::vector<int32_t> generate(int32_t slot, bool company, size_t count) {
  Driver d;
  std::mt19937_64 rng(9);
  std::vector<int32_t> generated;
  int32_t neighbour = 3;
  if (company) {
    d.step.started.push_back({.slot = 0, .request = 2, .prompt_tokens = 1, .params = {.top_k = 5, .seed = 1}});
    d.add(0, 2, 0, std::vector<int32_t>{neighbour}, LogitsWanted::kLast);
    neighbour = d.run().rows[0].sampled.token;
  }
  for (size_t i = 0; i < count; ++i) {
    if (company) d.add(0, 2, static_cast<int64_t>(i) + 1, std::vector<int32_t>{neighbour}, LogitsWanted::kLast);
    if (i == 0) {
      d.step.started.push_back({.slot = slot, .request = 1, .prompt_tokens = 3, .params = kParams});
      d.add(slot, 1, 0, kPrompt, LogitsWanted::kLast);
    } else {
      const auto position = static_cast<int64_t>(kPrompt.size() + i) - 1;
      d.add(slot, 1, position, std::vector<int32_t>{generated.back()}, LogitsWanted::kLast);
    }
    const StepOutput output = d.run();
    if (company) neighbour = output.rows[0].sampled.token;
    EXPECT_EQ(output.rows.back().slot, slot);
    generated.push_back(output.rows.back().sampled.token);
  }
  return generated;
}

TEST(SlotSampler, NeighboursAndSlotsDoNotChangeASequencesTokens) {
  const auto alone = generate(0, false, 50);
  EXPECT_EQ(generate(5, true, 50), alone);
}

TEST(SlotSampler, AStreamResumedFromPromptAndTokensSoFarGoesOnAsItWould) {
  const auto whole = generate(0, false, 30);
  Driver d;
  std::vector<int32_t> so_far = kPrompt;
  so_far.insert(so_far.end(), whole.begin(), whole.begin() + 20);
  d.step.started.push_back({.slot = 2, .request = 1, .prompt_tokens = 3, .params = kParams});
  d.add(2, 1, 0, std::span(so_far).first(11), LogitsWanted::kNone);
  EXPECT_TRUE(d.run().rows.empty());
  d.add(2, 1, 11, std::span(so_far).subspan(11), LogitsWanted::kLast);
  EXPECT_EQ(d.run().rows[0].sampled.token, whole[20]);
}

TEST(SlotSampler, TokensThatTheCacheHoldsCountAsHistory) {
  const auto whole = generate(0, false, 30);
  Driver d;
  std::vector<int32_t> so_far = kPrompt;
  so_far.insert(so_far.end(), whole.begin(), whole.begin() + 20);
  d.step.started.push_back({.slot = 2,
                            .request = 1,
                            .prompt_tokens = 3,
                            .params = kParams,
                            .cached_ids = {so_far.begin(), so_far.end() - 7}});
  d.add(2, 1, 16, std::span(so_far).subspan(16), LogitsWanted::kLast);
  EXPECT_EQ(d.run().rows[0].sampled.token, whole[20]);
}

TEST(SlotSampler, AReusedSlotForgetsItsFormerSequence) {
  Driver d;
  const SamplingParams penalised{.temperature = 0, .presence_penalty = 2};
  d.step.started.push_back({.slot = 0, .request = 1, .prompt_tokens = 1, .params = penalised});
  d.add(0, 1, 0, std::vector<int32_t>{1}, LogitsWanted::kLast);
  const int32_t first = d.run().rows[0].sampled.token;
  d.add(0, 1, 1, std::vector<int32_t>{first}, LogitsWanted::kLast);
  (void)d.run();
  d.step.released = {0};
  d.step.started.push_back({.slot = 0, .request = 1, .prompt_tokens = 1, .params = penalised});
  d.add(0, 1, 0, std::vector<int32_t>{1}, LogitsWanted::kLast);
  EXPECT_EQ(d.run().rows[0].sampled.token, first);
}

TEST(SlotSampler, ScoringReturnsTheRowsUntouched) {
  Driver d;
  d.step.started.push_back({.slot = 1, .request = 6, .prompt_tokens = 3});
  d.add(1, 6, 0, kPrompt, LogitsWanted::kAll);
  const std::vector<float> expected = d.logits;
  const StepOutput output = d.run();
  ASSERT_EQ(output.rows.size(), 1U);
  EXPECT_EQ(output.rows[0].logits, expected);
}

TEST(SlotSampler, ABrokenRowFailsItsOwnSequenceOnly) {
  Driver d;
  for (const int32_t slot : {0, 1}) {
    d.step.started.push_back({.slot = slot, .request = slot + 40, .prompt_tokens = 3, .params = kParams});
    d.add(slot, slot, 0, kPrompt, LogitsWanted::kLast);
  }
  d.logits[3] = std::numeric_limits<float>::quiet_NaN();
  const StepOutput output = d.run();
  ASSERT_EQ(output.rows.size(), 2U);
  EXPECT_THAT(output.rows[0].error, HasSubstr("request 40 at position 3"));
  EXPECT_EQ(output.rows[1].error, "");
}

}  // namespace
}  // namespace kerf
