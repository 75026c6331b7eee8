#include "kerf/engine/step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

#include "src/kerf/engine/full_params_for_test.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kBlockSize = 4;
constexpr StepBounds kBounds{
    .vocab_size = 100, .num_slots = 8, .num_blocks = 50, .block_size = kBlockSize, .max_model_len = 64};

Step sample_step() {
  Step step{.id = 7, .released = {3, 1}};
  step.started.push_back({.slot = 1,
                          .request = 1LL << 40,
                          .prompt_tokens = 3,
                          .params = testing::full_params().for_sampler(),
                          .cached_ids = {9, 0, 70}});
  step.add_span(1, 0, std::vector<int32_t>{5, 99, 0}, std::vector<int32_t>{7, 8}, kBlockSize, LogitsWanted::kLast);
  step.add_span(0, 8, std::vector<int32_t>{1, 2}, std::vector<int32_t>{49, 0, 13}, kBlockSize, LogitsWanted::kNone);
  step.add_span(5, 3, std::vector<int32_t>{3, 4}, std::vector<int32_t>{2, 3}, kBlockSize, LogitsWanted::kAll);
  return step;
}

TEST(Step, SpansLieOneAfterTheOther) {
  const Step step = sample_step();
  EXPECT_THAT(step.tokens_of(step.spans[1]), ElementsAre(1, 2));
  EXPECT_THAT(step.blocks_of(step.spans[0]), ElementsAre(7)) << "three positions need one block";
  EXPECT_THAT(step.blocks_of(step.spans[1]), ElementsAre(49, 0, 13));
  EXPECT_THAT(step.positions(), ElementsAre(0, 1, 2, 8, 9, 3, 4));
  EXPECT_THAT(step.wanted_rows(), ElementsAre(2, 5, 6));
}

TEST(Step, ComesBackFromBytesAsItWas) {
  const Step step = sample_step();
  EXPECT_EQ(Step::deserialize(step.serialize()).value(), step);
  EXPECT_TRUE(step.check(kBounds).ok());
  EXPECT_EQ(Step::deserialize(Step{.id = 9, .stop = true}.serialize()).value(), (Step{.id = 9, .stop = true}));
}

TEST(Step, ADecodeOfALongSequenceStaysCompact) {
  std::vector<int32_t> blocks(2000);
  std::iota(blocks.begin(), blocks.end(), 17);
  Step step;
  step.add_span(0, 64 * 2000 - 1, std::vector<int32_t>{120000}, blocks, 64, LogitsWanted::kLast);
  EXPECT_LT(step.serialize().size(), 2030U);
}

TEST(Step, EveryTruncationIsRefusedByASentence) {
  for (const Bytes& bytes : {sample_step().serialize(), Step{}.serialize()}) {
    for (size_t n = 0; n < bytes.size(); ++n) {
      const auto result = Step::deserialize(std::span(bytes).first(n));
      ASSERT_FALSE(result.ok()) << n;
      EXPECT_THAT(result.error().message, HasSubstr("step message of"));
    }
    Bytes longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(Step::deserialize(longer).ok());
  }
}

TEST(Step, RandomlyBrokenBytesNeverCrashAndWhatPassesCanBeWalked) {
  std::mt19937_64 rng(5);
  const Bytes good = sample_step().serialize();
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = good;
    for (uint64_t edits = 1 + rng() % 4; edits > 0; --edits)
      bytes[rng() % bytes.size()] = static_cast<std::byte>(rng());
    const auto step = Step::deserialize(bytes);
    if (!step.ok()) continue;
    size_t tokens = 0;
    for (const SequenceSpan& span : step->spans) tokens += step->tokens_of(span).size();
    EXPECT_EQ(tokens, step->positions().size());
    (void)step->check(kBounds);
    EXPECT_EQ(Step::deserialize(step->serialize()).value(), *step);
  }
}

TEST(Step, AMessageOfAnotherKindIsRefused) {
  const auto result = Step::deserialize(StepOutput{.step = 1}.serialize());
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("another kind"));
  EXPECT_FALSE(StepOutput::deserialize(Step{}.serialize()).ok());
}

TEST(Step, CheckRefusesWhatLiesOutsideTheReceiver) {
  const auto refuses = [](auto spoil, std::string_view why) {
    Step step = sample_step();
    spoil(step);
    const Status status = step.check(kBounds);
    ASSERT_FALSE(status.ok()) << why;
    EXPECT_THAT(status.error().message, HasSubstr(why));
  };
  refuses([](Step& s) { s.tokens[0] = 100; }, "vocabulary");
  refuses([](Step& s) { s.started[0].cached_ids[2] = 100; }, "vocabulary");
  refuses([](Step& s) { s.block_ids[1] = 50; }, "outside the cache");
  refuses([](Step& s) { s.released[0] = 8; }, "released slot");
  refuses([](Step& s) { s.started[0].slot = 8; }, "slot 8 does not exist");
  refuses([](Step& s) { s.started[0].params.logit_bias[1].first = 100; }, "a biased token");
  refuses([](Step& s) { s.spans[0].slot = 9; }, "slot 9 does not exist");
  refuses([](Step& s) { s.spans[0].slot = 5; }, "comes twice");
  refuses([](Step& s) { s.spans[0].first_position = 62; }, "beyond the model's length");
  refuses([](Step& s) { s.spans[0].first_position = 3; }, "KV blocks for 6 positions");
}

TEST(StepOutput, ComesBackFromBytesAsItWas) {
  StepOutput output{.step = 3};
  output.rows.push_back({.slot = 2, .sampled = {.token = 17, .logprob = -1.25, .top = {{17, -1.25}, {3, -2.5}}}});
  output.rows.push_back({.slot = 4, .logits = {1.5F, -2.0F, std::numeric_limits<float>::lowest()}});
  output.rows.push_back({.slot = 5, .error = "logits of request 1 at position 2 hold NaN"});
  const Bytes bytes = output.serialize();
  EXPECT_EQ(StepOutput::deserialize(bytes).value(), output);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(StepOutput::deserialize(std::span(bytes).first(n)).ok()) << n;
}

TEST(StepOutput, RandomlyBrokenBytesNeverCrash) {
  std::mt19937_64 rng(6);
  StepOutput output{.step = 3, .rows = {{.slot = 2, .sampled = {.token = 17, .top = {{1, 2}}}, .logits = {1, 2, 3}}}};
  const Bytes good = output.serialize();
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = good;
    for (uint64_t edits = 1 + rng() % 4; edits > 0; --edits)
      bytes[rng() % bytes.size()] = static_cast<std::byte>(rng());
    (void)StepOutput::deserialize(bytes);
  }
}

}  // namespace
}  // namespace kerf
