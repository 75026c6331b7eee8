#include "kerf/serve/replica_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/kerf/engine/full_params_for_test.h"

namespace kerf {
namespace {

Request full_request() {
  Request request{.id = 1LL << 40, .prompt_ids = {1, 2, 128'000}};
  request.params = testing::full_params();
  request.output_ids = {5, 6};
  request.priority = -3;
  request.tenant = 42;
  return request;
}

std::vector<Bytes> front_messages() {
  return {serialize(FrontMessage(AddRequest{full_request()})), serialize(FrontMessage(CancelRequest{17})),
          serialize(FrontMessage(DrainReplica{}))};
}

ReplicaFacts some_facts() {
  return {.vocab_size = 32'000,
          .max_model_len = 2048,
          .max_num_seqs = 64,
          .num_blocks = 999,
          .block_size = 64,
          .threads = 2,
          .load_s = 0.25,
          .pids = {4711, 4712}};
}

ReplicaProgress some_progress() {
  ReplicaProgress progress;
  progress.updates = {{.request = 5,
                       .position = 12,
                       .token = SampledToken{.token = 3, .logprob = -1.5, .top = {{3, -1.5}, {4, -2}}},
                       .cached_tokens = 64},
                      {.request = 6, .finish = FinishReason::kError, .error = "NaN"}};
  progress.report = ReplicaReport{.running = 2, .waiting = 1, .preemptions = 3, .compute_s = 0.5, .idle_s = 0.1};
  progress.report->comm_s[3] = 0.25;
  progress.report->steps = {{.step = 7, .begin_s = 1, .end_s = 2, .tokens = 30}};
  return progress;
}

std::vector<Bytes> replica_messages() {
  return {serialize(ReplicaMessage(some_facts())), serialize(ReplicaMessage(some_progress())),
          serialize(ReplicaMessage(ReplicaProgress{})), serialize(ReplicaMessage(RequestRefused{3, "too long"}))};
}

TEST(ReplicaMessages, ARequestTravelsWithAllThatIsAskedOfIt) {
  const auto message = parse_front_message(front_messages()[0]).value();
  const Request& request = std::get<AddRequest>(message).request;
  const Request expected = full_request();
  EXPECT_EQ(request.id, expected.id);
  EXPECT_EQ(request.prompt_ids, expected.prompt_ids);
  EXPECT_EQ(request.params, expected.params);
  EXPECT_EQ(request.output_ids, expected.output_ids);
  EXPECT_EQ(request.priority, expected.priority);
  EXPECT_EQ(request.tenant, expected.tenant);
}

TEST(ReplicaMessages, TheOthersComeBackAsTheyWere) {
  EXPECT_EQ(std::get<CancelRequest>(parse_front_message(front_messages()[1]).value()).request, 17);
  EXPECT_TRUE(std::holds_alternative<DrainReplica>(parse_front_message(front_messages()[2]).value()));
  const auto all = replica_messages();
  EXPECT_EQ(std::get<ReplicaFacts>(parse_replica_message(all[0]).value()), some_facts());
  const auto progress = std::get<ReplicaProgress>(parse_replica_message(all[1]).value());
  EXPECT_EQ(progress.updates, some_progress().updates);
  ASSERT_TRUE(progress.report);
  EXPECT_EQ(progress.report->running, 2);
  EXPECT_EQ(progress.report->idle_s, 0.1);
  EXPECT_EQ(progress.report->comm_s[3], 0.25);
  ASSERT_EQ(progress.report->steps.size(), 1U);
  EXPECT_EQ(progress.report->steps[0].tokens, 30);
  EXPECT_EQ(std::get<RequestRefused>(parse_replica_message(all[3]).value()).why, "too long");
}

TEST(ReplicaMessages, EveryTruncationIsRefused) {
  for (const Bytes& bytes : front_messages()) {
    for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(parse_front_message(std::span(bytes).first(n)).ok());
  }
  for (const Bytes& bytes : replica_messages()) {
    for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(parse_replica_message(std::span(bytes).first(n)).ok());
  }
}

TEST(ReplicaMessages, OneSidesMessagesAreNotTheOthers) {
  for (const Bytes& bytes : front_messages()) EXPECT_FALSE(parse_replica_message(bytes).ok());
  for (const Bytes& bytes : replica_messages()) EXPECT_FALSE(parse_front_message(bytes).ok());
}

TEST(ReplicaMessages, ParametersOutOfRangeAreRefused) {
  Request request = full_request();
  request.params.top_p = 7;
  const auto result = parse_front_message(serialize(FrontMessage(AddRequest{request})));
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("--top-p"));
}

TEST(ReplicaMessages, FactsOfNoRankAreRefused) {
  ReplicaFacts facts = some_facts();
  facts.pids.clear();
  EXPECT_FALSE(parse_replica_message(serialize(ReplicaMessage(facts))).ok());
}

}  // namespace
}  // namespace kerf
