#include "kerf/serve/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "kerf/serve/fake_replicas_for_test.h"

namespace kerf {
namespace {

using testing::fake_token;
using testing::FakeReplicas;
using ::testing::HasSubstr;
using testing::kPoison;
using namespace std::chrono_literals;

Request request_of(std::vector<int32_t> prompt, int64_t max_tokens = 10) {
  Request request{.prompt_ids = std::move(prompt)};
  request.params.max_tokens = max_tokens;
  return request;
}

std::vector<int32_t> answer_to(const Request& request) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < request.params.max_tokens; ++i) ids.push_back(fake_token(request, i));
  return ids;
}

struct Told {
  RequestId id = 0;
  Request request;
  std::vector<int32_t> ids;
  std::optional<Refusal> refusal;
  int ends = 0;
  bool cancelled = false;
};

class DispatcherTest : public ::testing::Test {
 protected:
  void begin(size_t replicas, int64_t max_queue = 100) {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(
        fakes_.loop, DispatcherOptions{.replicas = replicas, .max_queue = max_queue}, fakes_.starter());
    fakes_.step_all();  // ready
  }
  std::shared_ptr<Told> submit(const Request& request) {
    auto told = std::make_shared<Told>();
    told->request = request;
    const auto submitted = dispatcher_->submit(request, [told](GenerationEvent event) {
      EXPECT_EQ(told->ends, 0) << "after the last event";
      EXPECT_FALSE(told->cancelled);
      for (const SampledToken& token : event.tokens) told->ids.push_back(token.token);
      told->refusal = event.refusal;
      told->ends += event.finish || event.refusal ? 1 : 0;
    });
    EXPECT_FALSE(submitted.refusal);
    told->id = submitted.id;
    return told;
  }
  void run(int steps = 100) {
    for (int i = 0; i < steps; ++i) fakes_.step_all();
  }
  static void expect_right(const Told& told) {
    EXPECT_EQ(told.ends, 1);
    EXPECT_FALSE(told.refusal) << told.refusal->message;
    EXPECT_EQ(told.ids, answer_to(told.request));
  }

  FakeReplicas fakes_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(DispatcherTest, AnswersComeWholeAndInOrder) {
  begin(1);
  const auto a = submit(request_of({1, 2, 3}));
  const auto b = submit(request_of({4}, 1));
  run();
  expect_right(*a);
  expect_right(*b);
}

TEST_F(DispatcherTest, ALostReplicasRequestsGoOnElsewhereWhetherItResumesOrBeginsAgain) {
  for (const bool resumes : {true, false}) {
    fakes_.resumes = resumes;
    begin(2);
    std::vector<std::shared_ptr<Told>> all;
    for (int i = 0; i < 6; ++i) all.push_back(submit(request_of({i, i + 1}, 20)));
    run(7);
    ASSERT_GT(fakes_.at(0)->num_running(), 0U);
    fakes_.at(0)->die("killed");
    run();
    for (const auto& told : all) expect_right(*told);
    EXPECT_EQ(dispatcher_->replicas()[0].restarts, 1);
    EXPECT_EQ(dispatcher_->replicas()[0].last_loss, "killed");
  }
}

TEST_F(DispatcherTest, WhateverDiesWheneverEveryTokenIsToldOnce) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 rng(seed);
    fakes_.resumes = seed % 2 == 0;
    begin(1 + rng() % 3, 1000);
    std::vector<std::shared_ptr<Told>> all;
    for (int step = 0; step < 300; ++step) {
      if (all.size() < 40 && rng() % 3 == 0) {
        const auto id = static_cast<int32_t>(rng() % 500);
        all.push_back(submit(request_of({id, 7, 8}, 1 + static_cast<int64_t>(rng() % 30))));
        all.back()->request.priority = static_cast<int>(rng() % 2);
      }
      if (rng() % 20 == 0 && !all.empty()) {
        const auto& told = all[rng() % all.size()];
        if (told->ends == 0) {
          dispatcher_->cancel(told->id, FinishReason::kAbort);
          told->cancelled = true;
        }
      }
      const size_t victim = rng() % 3;
      if (rng() % 25 == 0 && fakes_.at(victim) != nullptr) fakes_.at(victim)->die("killed");
      fakes_.step_all();
    }
    run(20'000 / 10);
    for (const auto& told : all) {
      if (!told->cancelled) expect_right(*told);
    }
    EXPECT_EQ(dispatcher_->status().unfinished, 0);
    for (const ReplicaView& replica : dispatcher_->replicas()) {
      EXPECT_EQ(replica.requests, 0);
      EXPECT_EQ(replica.outstanding_tokens, 0);
    }
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST_F(DispatcherTest, ARequestThatKillsReplicasIsGivenUpAndItsNeighboursAreNot) {
  begin(2);
  std::vector<std::shared_ptr<Told>> innocent;
  for (int i = 0; i < 6; ++i) innocent.push_back(submit(request_of({i}, 30)));
  const auto poison = submit(request_of({kPoison}));
  for (int i = 6; i < 9; ++i) innocent.push_back(submit(request_of({i}, 30)));
  run(2000);
  ASSERT_TRUE(poison->refusal);
  EXPECT_EQ(poison->refusal->kind, Refusal::Kind::kFailed);
  EXPECT_TRUE(poison->ids.empty());
  for (const auto& told : innocent) expect_right(*told);
  EXPECT_EQ(fakes_.starts, 2 + 4);
}

TEST_F(DispatcherTest, AReplicaThatContradictsAnotherIsNotBelieved) {
  fakes_.resumes = false;
  begin(1);
  const auto told = submit(request_of({1, 2}, 20));
  run(5);
  fakes_.at(0)->die("killed");
  fakes_.loop.advance(1ms);
  fakes_.at(0)->lies = true;
  run();
  ASSERT_TRUE(told->refusal);
  EXPECT_EQ(told->refusal->kind, Refusal::Kind::kFailed);
  EXPECT_THAT(told->refusal->message, HasSubstr("on another replica"));
}

TEST_F(DispatcherTest, AFullQueueRefusesAndSaysWhenToComeAgain) {
  begin(1, 2);
  std::vector<std::shared_ptr<Told>> taken;
  for (int i = 0; i < 5 + 2; ++i) taken.push_back(submit(request_of({i})));  // four run, one is at hand, two wait
  const auto refused = dispatcher_->submit(request_of({99}), [](const GenerationEvent&) { FAIL(); });
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->kind, Refusal::Kind::kOverloaded);
  EXPECT_GE(refused.refusal->retry_after_s, 1);
  run();
  for (const auto& told : taken) expect_right(*told);
  expect_right(*[&] {
    auto told = submit(request_of({99}));
    run();
    return told;
  }());
}

TEST_F(DispatcherTest, AnIdleHourDoesNotCountAsSlowness) {
  begin(1, 2);
  for (int i = 0; i < 3; ++i) {
    const auto told = submit(request_of({i}));
    run(20);
    expect_right(*told);
    fakes_.loop.advance(1h);
    fakes_.step_all();
  }
  for (int i = 0; i < 5 + 2; ++i) (void)submit(request_of({i}));
  const auto refused = dispatcher_->submit(request_of({99}), [](const GenerationEvent&) { FAIL(); });
  ASSERT_TRUE(refused.refusal);
  EXPECT_LE(refused.refusal->retry_after_s, 2) << "an answer takes a tenth of a second";
}

TEST_F(DispatcherTest, WhatCanNeverRunIsRefusedAtOnce) {
  begin(1);
  for (const Request& request : {request_of({}), request_of(std::vector<int32_t>(1000, 1)), request_of({1}, 0)}) {
    const auto refused = dispatcher_->submit(request, [](const GenerationEvent&) { FAIL(); });
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->kind, Refusal::Kind::kInvalid);
  }
}

TEST_F(DispatcherTest, TheUrgentGoFirst) {
  begin(1);
  std::vector<std::shared_ptr<Told>> first;
  for (int i = 0; i < 5; ++i) first.push_back(submit(request_of({i}, i == 0 ? 5 : 50)));
  Request late = request_of({50}, 5);
  const auto ordinary = submit(late);
  late.priority = -1;
  const auto urgent = submit(late);
  while (urgent->ids.empty()) fakes_.step_all();
  EXPECT_TRUE(ordinary->ids.empty());
  run();
  expect_right(*ordinary);
}

TEST_F(DispatcherTest, ATenantsFloodDoesNotKeepOthersOut) {
  begin(1);
  std::vector<std::shared_ptr<Told>> flood;
  for (int i = 0; i < 80; ++i) flood.push_back(submit(request_of({i}, 10)));
  std::vector<std::shared_ptr<Told>> few;
  for (int i = 0; i < 8; ++i) {
    Request request = request_of({100 + i}, 10);
    request.tenant = 7;
    few.push_back(submit(request));
  }
  const auto count_ended = [](const auto& all) {
    return std::ranges::count_if(all, [](const auto& told) { return told->ends > 0; });
  };
  while (count_ended(few) < 8) fakes_.step_all();
  EXPECT_LE(count_ended(flood), 5 + 8 + 8) << "what was given before, its share, and turns of age";
  run(300);
  for (const auto& told : flood) expect_right(*told);
  for (const auto& told : few) expect_right(*told);
}

TEST_F(DispatcherTest, WhatWasInterruptedGoesOnBeforeAnythingNewBegins) {
  begin(1);
  std::vector<std::shared_ptr<Told>> running;
  for (int i = 0; i < 5; ++i) running.push_back(submit(request_of({i}, 50)));
  Request urgent = request_of({50}, 5);
  urgent.priority = -1;
  urgent.tenant = 7;
  const auto late = submit(urgent);
  run(3);
  fakes_.at(0)->die("killed");
  while (late->ids.empty()) fakes_.step_all();
  for (const auto& told : running) EXPECT_EQ(told->ids.size(), 50U);
  run();
  for (const auto& told : running) expect_right(*told);
  expect_right(*late);
}

TEST_F(DispatcherTest, ACommonPrefixGoesWhereItIsCached) {
  begin(2);
  std::vector<int32_t> prefix(64, 5);
  (void)submit(request_of(prefix, 3));
  (void)submit(request_of({1, 2, 3, 4, 5, 6, 7, 8}, 3));
  run();
  std::vector<std::shared_ptr<Told>> alike;
  for (int i = 0; i < 3; ++i) {
    prefix.push_back(i);
    alike.push_back(submit(request_of(prefix, 3)));
  }
  EXPECT_EQ(fakes_.at(0)->num_running(), 3U);
  EXPECT_EQ(fakes_.at(1)->num_running(), 0U);
}

TEST_F(DispatcherTest, WithoutAReplicaForAMinuteWhatWaitsIsRefused) {
  begin(1);
  fakes_.at(0)->die("killed");
  const auto told = submit(request_of({1}));
  fakes_.loop.advance(30s);  // it is being started, and does not get ready
  EXPECT_EQ(told->ends, 0);
  fakes_.loop.advance(40s);
  ASSERT_TRUE(told->refusal);
  EXPECT_EQ(told->refusal->kind, Refusal::Kind::kUnavailable);
  const auto refused = dispatcher_->submit(request_of({2}), [](const GenerationEvent&) { FAIL(); });
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->kind, Refusal::Kind::kUnavailable);
  fakes_.step_all();  // ready after all
  const auto later = submit(request_of({3}));
  run();
  expect_right(*later);
}

TEST_F(DispatcherTest, WhoWatchesLearnsOfStatesAndOfWhereRequestsGo) {
  std::vector<std::string> seen;
  DispatcherOptions options;
  options.events.given = [&](RequestId id, size_t replica) { seen.push_back(fmt::format("{} on {}", id, replica)); };
  options.events.replica_changed = [&](const ReplicaView& replica) {
    seen.push_back(fmt::format("{} {}", name_of(replica.state), replica.last_loss));
  };
  dispatcher_ = std::make_unique<Dispatcher>(fakes_.loop, options, fakes_.starter());
  fakes_.step_all();
  const auto told = submit(request_of({1, 2}, 20));
  run(5);
  fakes_.at(0)->die("killed");
  run();
  expect_right(*told);
  EXPECT_THAT(seen, ::testing::ElementsAre("starting ", "ready ", "1 on 0", "down killed", "starting killed",
                                           "ready killed", "1 on 0"));
}

TEST_F(DispatcherTest, AModelThatNeverStartsIsHopeless) {
  dispatcher_ = std::make_unique<Dispatcher>(fakes_.loop, DispatcherOptions{}, fakes_.starter());
  std::string said;
  dispatcher_->on_hopeless = [&](const std::string& why) { said = why; };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(said, "");
    fakes_.at(0)->die("no such model");
    fakes_.loop.advance(1ms);
  }
  EXPECT_EQ(said, "no such model");
}

TEST_F(DispatcherTest, ShuttingDownFinishesWhatRunsAndRefusesWhatComes) {
  begin(2);
  std::vector<std::shared_ptr<Told>> all;
  for (int i = 0; i < 15; ++i) all.push_back(submit(request_of({i}, 20)));
  run(3);
  bool done = false;
  dispatcher_->shut_down(10s, [&] { done = true; });
  const auto refused = dispatcher_->submit(request_of({99}), [](const GenerationEvent&) { FAIL(); });
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->kind, Refusal::Kind::kUnavailable);
  EXPECT_FALSE(done);
  run();
  EXPECT_TRUE(done);
  for (const auto& told : all) expect_right(*told);
  EXPECT_EQ(fakes_.at(0), nullptr);
  EXPECT_EQ(fakes_.at(1), nullptr);
}

TEST_F(DispatcherTest, ShuttingDownDoesNotWaitForEver) {
  begin(1);
  const auto told = submit(request_of({1}, 900));
  run(3);
  bool done = false;
  dispatcher_->shut_down(1s, [&] { done = true; });
  run(200);
  EXPECT_TRUE(done);
  ASSERT_TRUE(told->refusal);
  EXPECT_EQ(told->refusal->kind, Refusal::Kind::kUnavailable);
}

TEST_F(DispatcherTest, ARollingRestartTakesOneReplicaAfterTheOtherAndNobodyNotices) {
  begin(2);
  std::vector<std::shared_ptr<Told>> all;
  dispatcher_->rolling_restart(5s);
  for (int i = 0; i < 200; ++i) {
    if (all.size() < 60) all.push_back(submit(request_of({i, 1}, 15)));
    fakes_.step_all();
    int serving = 0;
    for (const ReplicaView& replica : dispatcher_->replicas()) serving += replica.state == ReplicaState::kReady ? 1 : 0;
    EXPECT_GE(serving, 1);
  }
  run();
  for (const auto& told : all) expect_right(*told);
  for (const ReplicaView& replica : dispatcher_->replicas()) {
    EXPECT_EQ(replica.restarts, 1);
    EXPECT_EQ(replica.last_loss, "");
  }
}

}  // namespace
}  // namespace kerf
