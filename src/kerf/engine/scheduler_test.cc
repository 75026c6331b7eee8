#include "kerf/engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kEos = 0;

SchedulerConfig config(int steps_in_flight = 1) {
  return {.max_num_seqs = 8,
          .max_num_batched_tokens = 512,
          .max_score_rows = 100,
          .steps_in_flight = steps_in_flight,
          .max_model_len = 2048,
          .vocab_size = 1000,
          .num_blocks = 200,
          .block_size = 64,
          .eos_ids = {kEos, 7}};
}

Request request(RequestId id, int64_t prompt, int64_t max_tokens) {
  Request r{
      .id = id, .prompt_ids = std::vector<int32_t>(static_cast<size_t>(prompt)), .params = {.max_tokens = max_tokens}};
  for (size_t i = 0; i < r.prompt_ids.size(); ++i) r.prompt_ids[i] = static_cast<int32_t>(1 + i % 999);
  return r;
}

// Answers a step with `token` for every sampled row.
StepOutput answer(const Step& step, int32_t token = 42) {
  StepOutput output{.step = step.id};
  for (const SequenceSpan& span : step.spans) {
    if (span.logits == LogitsWanted::kNone) continue;
    OutputRow& row = output.rows.emplace_back(OutputRow{.slot = span.slot});
    if (span.logits == LogitsWanted::kAll) {
      row.logits.resize(static_cast<size_t>(span.tokens) * 1000);
    } else {
      row.sampled.token = token;
    }
  }
  return output;
}

TEST(Scheduler, OneRequestFromPromptToLength) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(5, 3, 2)).ok());
  const Step prompt = s.next().value();
  EXPECT_EQ(prompt.id, 0);
  EXPECT_THAT(prompt.tokens, ElementsAre(1, 2, 3));
  ASSERT_EQ(prompt.started.size(), 1U);
  EXPECT_EQ(prompt.started[0].request, 5);
  EXPECT_EQ(prompt.started[0].prompt_tokens, 3);
  EXPECT_EQ(prompt.spans[0].logits, LogitsWanted::kLast);
  EXPECT_FALSE(s.next().has_value()) << "its output is not there";
  const auto first = s.on_output(answer(prompt)).value();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].position, 3);
  EXPECT_EQ(first[0].token->token, 42);
  EXPECT_FALSE(first[0].finish.has_value());

  const Step decode = s.next().value();
  EXPECT_THAT(decode.tokens, ElementsAre(42));
  EXPECT_EQ(decode.spans[0].first_position, 3);
  EXPECT_TRUE(decode.started.empty());
  EXPECT_EQ(s.on_output(answer(decode)).value()[0].finish, FinishReason::kLength);
  EXPECT_TRUE(s.idle());
  EXPECT_EQ(s.num_free_blocks(), 200);

  ASSERT_TRUE(s.add(request(6, 1, 1)).ok());
  EXPECT_THAT(s.next()->released, ElementsAre(0)) << "the next step tells the last stage to forget the slot";
}

std::optional<FinishReason> finish_after(int32_t token, SamplingParams params) {
  Scheduler s(config());
  Request r = request(1, 2, 10);
  params.max_tokens = 10;
  r.params = params;
  EXPECT_TRUE(s.add(r).ok());
  return s.on_output(answer(s.next().value(), token)).value()[0].finish;
}

TEST(Scheduler, EndTokensStopUnlessIgnored) {
  EXPECT_EQ(finish_after(42, {}), std::nullopt);
  EXPECT_EQ(finish_after(kEos, {}), FinishReason::kStop);
  EXPECT_EQ(finish_after(7, {}), FinishReason::kStop);
  EXPECT_EQ(finish_after(7, {.ignore_eos = true}), std::nullopt);
  EXPECT_EQ(finish_after(42, {.stop_token_ids = {41, 42}}), FinishReason::kStop);
  EXPECT_EQ(finish_after(42, {.stop_token_ids = {42}, .ignore_eos = true}), FinishReason::kStop);
}

TEST(Scheduler, TheModelsLengthEndsASequenceEarly) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(1, 2046, std::numeric_limits<int64_t>::max())).ok());
  int tokens = 0;
  std::optional<FinishReason> finish;
  while (!s.idle()) {
    const auto updates = s.on_output(answer(s.next().value())).value();
    for (const SequenceUpdate& update : updates) {
      ++tokens;
      finish = update.finish;
    }
  }
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(finish, FinishReason::kLength);
}

TEST(Scheduler, RequestsThatCanNeverRunAreRefusedByASentence) {
  SchedulerConfig small = config();
  small.num_blocks = 4;
  Scheduler s(small);
  const auto refuses = [&](const Request& r, std::string_view a, std::string_view b) {
    const Status status = s.add(r);
    ASSERT_FALSE(status.ok()) << a;
    EXPECT_THAT(status.error().message, AllOf(HasSubstr(a), HasSubstr(b)));
    EXPECT_TRUE(s.idle());
  };
  refuses(request(1, 0, 1), "prompt of request 1 is empty", "at least one token");
  refuses(request(1, 2048, 1), "--max-model-len is 2048", "2047");
  refuses(request(1, 200, 100), "needs 5 KV blocks", "the cache has 4");
  refuses(request(1, 2, 0), "--max-tokens is 0", "at least 1");
  Request complete = request(1, 2, 3);
  complete.output_ids = {5, 6, 7};
  refuses(complete, "request 1 is complete", "3 output ids");
  complete.output_ids = {5, kEos};
  refuses(complete, "request 1 is complete", "2 output ids");
  complete.output_ids = {5, 1000};
  refuses(complete, "token id 1000 in the output", "0 to 999");
  complete = request(1, 2, 3);
  complete.output_ids = {5};
  complete.score = true;
  refuses(complete, "to be scored", "into the prompt");
  Request r = request(1, 2, 1);
  r.prompt_ids[1] = 1000;
  refuses(r, "token id 1000", "0 to 999");
  r.prompt_ids[1] = -1;
  refuses(r, "token id -1", "0 to 999");
  ASSERT_TRUE(s.add(request(1, 200, 57)).ok()) << "256 positions computed: the last token is not";
  EXPECT_FALSE(s.add(request(1, 1, 1)).ok()) << "id in use";
}

TEST(Scheduler, ImpossibleConfigurationsAreRefusedByTheirFlag) {
  const auto message = [](auto spoil) {
    SchedulerConfig c = config();
    spoil(c);
    return c.validate().error().message;
  };
  EXPECT_TRUE(config().validate().ok());
  EXPECT_THAT(message([](auto& c) { c.max_num_seqs = 0; }), HasSubstr("--max-num-seqs is 0"));
  EXPECT_THAT(message([](auto& c) { c.max_num_batched_tokens = 7; }), HasSubstr("--max-num-batched-tokens is 7"));
  EXPECT_THAT(message([](auto& c) { c.max_model_len = 0; }), HasSubstr("--max-model-len is 0"));
  EXPECT_THAT(message([](auto& c) { c.num_blocks = 0; }), HasSubstr("KV cache"));
}

TEST(Scheduler, DecodesComeBeforePromptChunksAndAllKeepToTheBudget) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(1, 10, 50)).ok());
  ASSERT_TRUE(s.on_output(answer(s.next().value())).ok());
  ASSERT_TRUE(s.add(request(2, 700, 5)).ok());
  const Step mixed = s.next().value();
  ASSERT_EQ(mixed.spans.size(), 2U);
  EXPECT_EQ(mixed.spans[0].tokens, 1);
  EXPECT_EQ(mixed.spans[1].tokens, 511);
  EXPECT_EQ(mixed.spans[1].logits, LogitsWanted::kNone);
  ASSERT_TRUE(s.on_output(answer(mixed)).ok());
  const Step rest = s.next().value();
  EXPECT_EQ(rest.spans[1].tokens, 700 - 511);
  EXPECT_EQ(rest.spans[1].first_position, 511);
  EXPECT_EQ(rest.spans[1].logits, LogitsWanted::kLast);
}

TEST(Scheduler, DecodesSplitIntoEqualMicrobatchesThatFillThePipeline) {
  Scheduler s(config(4));
  for (RequestId id = 1; id <= 6; ++id) ASSERT_TRUE(s.add(request(id, 5, 100)).ok());
  std::deque<Step> flying;
  for (int turn = 0; turn < 40; ++turn) {
    while (auto step = s.next()) flying.push_back(*step);
    if (turn >= 8) {
      EXPECT_EQ(flying.size(), 4U) << "every stage has work";
      for (const Step& step : flying) EXPECT_THAT(step.spans.size(), AllOf(testing::Ge(1U), testing::Le(2U)));
    }
    ASSERT_TRUE(s.on_output(answer(flying.front())).ok());
    flying.pop_front();
  }
}

TEST(Scheduler, ChunksOfOnePromptFollowEachOtherThroughThePipelineInEqualParts) {
  Scheduler s(config(4));
  ASSERT_TRUE(s.add(request(1, 400, 5)).ok());
  for (int64_t chunk = 0; chunk < 4; ++chunk) {
    const Step step = s.next().value();
    ASSERT_EQ(step.spans.size(), 1U);
    EXPECT_EQ(step.spans[0].tokens, 100);
    EXPECT_EQ(step.spans[0].first_position, 100 * chunk);
    EXPECT_EQ(step.spans[0].logits, chunk == 3 ? LogitsWanted::kLast : LogitsWanted::kNone);
  }
  EXPECT_FALSE(s.next().has_value());
}

TEST(Scheduler, ShortPromptsAreNotCutForBalance) {
  Scheduler s(config(4));
  ASSERT_TRUE(s.add(request(1, 60, 5)).ok());
  EXPECT_EQ(s.next()->spans[0].tokens, 60);
}

TEST(Scheduler, WhenBlocksAreShortTheFirstWaitsAndThoseBehindItToo) {
  SchedulerConfig small = config();
  small.num_blocks = 4;
  Scheduler s(small);
  ASSERT_TRUE(s.add(request(1, 150, 50)).ok());  // 3 blocks, and one to grow
  ASSERT_TRUE(s.add(request(2, 100, 2)).ok());   // 2 blocks
  ASSERT_TRUE(s.add(request(3, 10, 2)).ok());    // 1 block
  const Step step = s.next().value();
  EXPECT_EQ(step.spans.size(), 1U);
  EXPECT_EQ(s.num_waiting(), 2);
  EXPECT_TRUE(s.end(1));
  EXPECT_FALSE(s.end(1));
  EXPECT_EQ(s.num_free_blocks(), 4) << "at once, whatever is in flight";
  EXPECT_TRUE(s.on_output(answer(step)).value().empty()) << "no update after the end";
  const Step others = s.next().value();
  EXPECT_EQ(others.spans.size(), 2U);
  EXPECT_EQ(others.started[0].request, 2);
}

TEST(Scheduler, AnIdIsFreeAsSoonAsItsRequestIsEnded) {
  Scheduler s(config(2));
  ASSERT_TRUE(s.add(request(1, 5, 9)).ok());
  const Step former = s.next().value();
  ASSERT_TRUE(s.end(1));
  ASSERT_TRUE(s.add(request(1, 6, 9)).ok());
  const Step latter = s.next().value();
  EXPECT_TRUE(s.on_output(answer(former, 7)).value().empty()) << "the former one's output is nobody's";
  EXPECT_EQ(s.on_output(answer(latter)).value()[0].position, 6);
}

// Runs to the end of everything; answers as a model would: the token depends on the position alone.
std::map<RequestId, std::vector<SequenceUpdate>> run_all(Scheduler& s) {
  std::map<RequestId, std::vector<SequenceUpdate>> updates;
  while (const auto step = s.next()) {
    StepOutput output = answer(*step);
    size_t row = 0;
    for (const SequenceSpan& span : step->spans) {
      if (span.logits == LogitsWanted::kNone) continue;
      output.rows[row++].sampled.token = 100 + (span.first_position + span.tokens) % 800;
    }
    for (SequenceUpdate& update : s.on_output(std::move(output)).value()) {
      updates[update.request].push_back(std::move(update));
    }
  }
  EXPECT_TRUE(s.idle());
  return updates;
}

TEST(Scheduler, AResumedRequestGoesOnAfterItsOutputAndReportsNewTokensOnly) {
  Scheduler s(config());
  Request r = request(1, 10, 8);
  r.output_ids = {110, 111, 112};
  ASSERT_TRUE(s.add(r).ok());
  const auto updates = run_all(s).at(1);
  ASSERT_EQ(updates.size(), 5U) << "three of the eight were there";
  for (size_t i = 0; i < updates.size(); ++i) {
    EXPECT_EQ(updates[i].position, static_cast<int64_t>(13 + i));
    EXPECT_EQ(updates[i].token->token, static_cast<int32_t>(113 + i));
  }
  EXPECT_EQ(updates.back().finish, FinishReason::kLength);
}

TEST(Scheduler, OfAResumedRequestTheLastStageKnowsWhatIsPromptAndWhatIsOutput) {
  Scheduler s(config());
  Request r = request(1, 10, 8);
  r.output_ids = {110, 111, 112};
  ASSERT_TRUE(s.add(r).ok());
  const Step step = s.next().value();
  EXPECT_EQ(step.started[0].prompt_tokens, 10);
  EXPECT_EQ(step.spans[0].tokens, 13);
  EXPECT_EQ(step.tokens.back(), 112);
}

TEST(Scheduler, APrefixThatIsInTheCacheIsNotComputedAgain) {
  SchedulerConfig caching = config();
  caching.enable_prefix_caching = true;
  Scheduler s(caching);
  ASSERT_TRUE(s.add(request(1, 200, 2)).ok());
  (void)run_all(s);
  EXPECT_EQ(s.stats().blocks_cached, 3);
  ASSERT_TRUE(s.add(request(2, 300, 2)).ok());
  const Step step = s.next().value();
  EXPECT_EQ(step.spans[0].first_position, 192);
  EXPECT_EQ(step.spans[0].tokens, 108);
  EXPECT_EQ(step.started[0].cached_ids.size(), 192U);
  EXPECT_EQ(s.stats().prefix_queries, 500);
  EXPECT_EQ(s.stats().prefix_hits, 192);
  EXPECT_EQ(s.stats().prompt_tokens, 308);
  EXPECT_EQ(s.on_output(answer(step)).value()[0].cached_tokens, 192);
}

TEST(Scheduler, ASharedPrefixIsComputedOnceThoughAllComeTogether) {
  SchedulerConfig caching = config();
  caching.enable_prefix_caching = true;
  Scheduler s(caching);
  for (RequestId id = 1; id <= 4; ++id) ASSERT_TRUE(s.add(request(id, 320, 2)).ok());
  const Step step = s.next().value();
  ASSERT_EQ(step.spans.size(), 4U);
  EXPECT_EQ(step.tokens.size(), 320U + 3 * 64);
  EXPECT_EQ(step.blocks_of(step.spans[3])[3], step.blocks_of(step.spans[0])[3]);
  EXPECT_NE(step.blocks_of(step.spans[3])[4], step.blocks_of(step.spans[0])[4]) << "written, so not shared";
}

TEST(Scheduler, ScoredPromptsBypassTheCache) {
  SchedulerConfig caching = config();
  caching.enable_prefix_caching = true;
  Scheduler s(caching);
  Request r = request(1, 128, 1);
  r.score = true;
  for (r.id = 1; r.id <= 2; ++r.id) {
    ASSERT_TRUE(s.add(r).ok());
    const Step step = s.next().value();
    EXPECT_EQ(step.spans[0].first_position, 0);
    ASSERT_TRUE(s.on_output(answer(step)).ok());
    ASSERT_TRUE(s.on_output(answer(s.next().value())).ok());
  }
  EXPECT_EQ(s.stats().prefix_queries, 0);
  EXPECT_EQ(s.stats().blocks_cached, 0);
}

SchedulerConfig six_blocks() {
  SchedulerConfig small = config();
  small.num_blocks = 6;
  return small;
}

TEST(Scheduler, WhenThePoolRunsOutTheLatestIsPreemptedAndGoesOnLater) {
  Scheduler s(six_blocks());
  for (RequestId id = 1; id <= 3; ++id) ASSERT_TRUE(s.add(request(id, 60, 200)).ok());  // 5 blocks each in the end
  const auto updates = run_all(s);
  EXPECT_GT(s.stats().preemptions, 0);
  for (RequestId id = 1; id <= 3; ++id) {
    ASSERT_EQ(updates.at(id).size(), 200U);
    for (size_t i = 0; i < 200; ++i) {
      EXPECT_EQ(updates.at(id)[i].position, static_cast<int64_t>(60 + i)) << "each token once, in order";
    }
  }
  EXPECT_EQ(s.num_free_blocks(), 6);
}

// The order in which requests end that compete for memory.
std::vector<RequestId> order_of_ends(const std::vector<Request>& requests) {
  Scheduler s(six_blocks());
  for (const Request& r : requests) EXPECT_TRUE(s.add(r).ok());
  std::vector<RequestId> ended;
  while (const auto step = s.next()) {
    const auto updates = s.on_output(answer(*step)).value();
    for (const SequenceUpdate& update : updates) {
      if (update.finish) ended.push_back(update.request);
    }
  }
  EXPECT_GT(s.stats().preemptions, 0);
  return ended;
}

TEST(Scheduler, TheLowestPriorityIsPreemptedFirstThenTheLatest) {
  Request first = request(1, 60, 200);
  Request second = request(2, 60, 200);
  Request third = request(3, 60, 200);
  EXPECT_THAT(order_of_ends({first, second, third}), ElementsAre(1, 2, 3));
  first.priority = 1;
  EXPECT_THAT(order_of_ends({first, second, third}), ElementsAre(2, 3, 1));
}

TEST(Scheduler, AStreamOfUrgentRequestsDoesNotStarveAnother) {
  Scheduler s(six_blocks());
  Request patient = request(1, 60, 200);
  patient.priority = 100;
  ASSERT_TRUE(s.add(patient).ok());
  RequestId next = 2;
  bool ended = false;
  for (int step = 0; step < 5000 && !ended; ++step) {
    while (s.num_waiting() < 4) ASSERT_TRUE(s.add(request(next++, 60, 150)).ok());
    const auto updates = s.on_output(answer(s.next().value())).value();
    for (const SequenceUpdate& update : updates) ended |= update.request == 1 && update.finish.has_value();
  }
  EXPECT_TRUE(ended);
}

TEST(Scheduler, APromptBesideDecodesIsCutSoThatTheyAreNotStalled) {
  SchedulerConfig gentle = config();
  gentle.max_prompt_tokens_beside_decodes = 96;
  Scheduler s(gentle);
  ASSERT_TRUE(s.add(request(1, 10, 50)).ok());
  ASSERT_TRUE(s.on_output(answer(s.next().value())).ok());
  ASSERT_TRUE(s.add(request(2, 700, 5)).ok());
  const Step mixed = s.next().value();
  ASSERT_EQ(mixed.spans.size(), 2U);
  EXPECT_EQ(mixed.spans[1].tokens, 96);
  ASSERT_TRUE(s.on_output(answer(mixed)).ok());
  ASSERT_TRUE(s.end(1));
  EXPECT_EQ(s.next()->spans[0].tokens, 512) << "alone, it takes the whole budget";
}

TEST(Scheduler, AnUrgentPromptOvertakesALongOne) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(1, 2000, 5)).ok());
  ASSERT_TRUE(s.on_output(answer(s.next().value())).ok());
  Request urgent = request(2, 20, 5);
  urgent.priority = -1;
  ASSERT_TRUE(s.add(urgent).ok());
  const Step step = s.next().value();
  ASSERT_EQ(step.spans.size(), 2U);
  EXPECT_EQ(step.started[0].request, 2);
  EXPECT_EQ(step.spans[0].tokens, 20);
  EXPECT_EQ(step.spans[1].tokens, 492);
}

TEST(Scheduler, ItsStatsSayWhatIsThere) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(1, 100, 9)).ok());
  SchedulerStats stats = s.stats();
  EXPECT_EQ(stats.waiting, 1);
  EXPECT_EQ(stats.running, 0);
  const Step step = s.next().value();
  ASSERT_TRUE(s.add(request(2, 70, 9)).ok());
  stats = s.stats();
  EXPECT_EQ(stats.waiting, 1);
  EXPECT_EQ(stats.running, 1);
  EXPECT_EQ(stats.steps_in_flight, 1);
  EXPECT_EQ(stats.blocks, 200);
  EXPECT_EQ(stats.blocks_used, 2);
  EXPECT_EQ(stats.last_prompt_tokens, 100);
  ASSERT_TRUE(s.on_output(answer(step)).ok());
  (void)s.next();
  stats = s.stats();
  EXPECT_EQ(stats.last_decode_tokens, 1);
  EXPECT_EQ(stats.last_prompt_tokens, 70);
  EXPECT_EQ(stats.decode_tokens, 1);
  EXPECT_EQ(stats.prompt_tokens, 170);
  EXPECT_EQ(stats.steps, 2);
}

TEST(Scheduler, EndingAWaitingRequestForgetsIt) {
  SchedulerConfig one = config();
  one.max_num_seqs = 1;
  Scheduler s(one);
  ASSERT_TRUE(s.add(request(1, 5, 1)).ok());
  ASSERT_TRUE(s.add(request(2, 5, 1)).ok());
  const Step step = s.next().value();
  EXPECT_TRUE(s.end(2));
  ASSERT_TRUE(s.on_output(answer(step)).ok());
  EXPECT_TRUE(s.idle());
  EXPECT_FALSE(s.end(99));
}

TEST(Scheduler, AScoredPromptReturnsAllItsRowsInBoundedParts) {
  Scheduler s(config());
  Request r = request(1, 250, 1);
  r.score = true;
  ASSERT_TRUE(s.add(r).ok());
  std::vector<int64_t> positions;
  std::optional<FinishReason> finish;
  size_t floats = 0;
  while (!s.idle()) {
    const Step step = s.next().value();
    EXPECT_EQ(step.spans[0].logits, LogitsWanted::kAll);
    const auto updates = s.on_output(answer(step)).value();
    for (const SequenceUpdate& update : updates) {
      EXPECT_FALSE(update.token.has_value());
      positions.push_back(update.position);
      floats += update.logits.size();
      finish = update.finish;
    }
  }
  EXPECT_THAT(positions, ElementsAre(0, 100, 200));
  EXPECT_EQ(floats, 250U * 1000);
  EXPECT_EQ(finish, FinishReason::kLength);
}

TEST(Scheduler, AnErrorEndsItsRequestOnly) {
  Scheduler s(config());
  ASSERT_TRUE(s.add(request(1, 5, 9)).ok());
  ASSERT_TRUE(s.add(request(2, 5, 9)).ok());
  StepOutput output = answer(s.next().value());
  output.rows[0].error = "logits hold NaN";
  const auto updates = s.on_output(output).value();
  EXPECT_EQ(updates[0].finish, FinishReason::kError);
  EXPECT_EQ(updates[0].error, "logits hold NaN");
  EXPECT_FALSE(updates[1].finish.has_value());
  EXPECT_EQ(s.num_running(), 1);
}

TEST(Scheduler, AnOutputThatDoesNotFitItsStepIsRefusedAndChangesNothing) {
  Scheduler s(config());
  EXPECT_FALSE(s.on_output({}).ok());
  ASSERT_TRUE(s.add(request(1, 5, 9)).ok());
  ASSERT_TRUE(s.add(request(2, 5, 9)).ok());
  const Step step = s.next().value();
  const auto refuses = [&](auto spoil) {
    StepOutput output = answer(step);
    spoil(output);
    EXPECT_FALSE(s.on_output(output).ok());
  };
  refuses([](StepOutput& o) { o.step = 1; });
  refuses([](StepOutput& o) { o.rows.pop_back(); });
  refuses([](StepOutput& o) { o.rows.emplace_back(); });
  refuses([](StepOutput& o) { o.rows[1].slot = 0; });
  refuses([](StepOutput& o) { o.rows[1].sampled.token = 1000; });
  refuses([](StepOutput& o) { o.rows[1].sampled.token = -1; });
  EXPECT_EQ(s.on_output(answer(step)).value().size(), 2U);
}

}  // namespace
}  // namespace kerf
