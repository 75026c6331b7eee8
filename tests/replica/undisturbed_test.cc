// Hits in the prefix cache, preemption and resumption give every token, and every bit of its log-probability, that an
// undisturbed run gives.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/replica.h"
#include "tests/support/tiny_model.h"

namespace kerf {
namespace {

using testing::ReplicaOptions;
using testing::ReplicaRun;
using testing::run_replica;
using testing::TinyModel;

constexpr int32_t kVocab = 128;

std::vector<int32_t> some_ids(int64_t count, uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(rng() % kVocab));
  return ids;
}

// Requests that share 200 tokens of their prompts, three blocks and a bit; the last asks for exactly two blocks of it.
// Half of them sample, with penalties that look at the whole history.
std::vector<Request> requests() {
  std::vector<Request> all;
  const std::vector<int32_t> shared = some_ids(200, 1);
  for (RequestId id = 0; id < 6; ++id) {
    Request request{.id = id, .prompt_ids = shared};
    if (id < 5) {
      const std::vector<int32_t> own = some_ids(1 + 20 * id, 10 + static_cast<uint64_t>(id));
      request.prompt_ids.insert(request.prompt_ids.end(), own.begin(), own.end());
    } else {
      request.prompt_ids.resize(2 * kBlock);
    }
    request.params = {.temperature = id % 2 == 0 ? 0.9 : 0,
                      .repetition_penalty = id % 2 == 0 ? 1.3 : 1,
                      .frequency_penalty = 0.4,
                      .seed = 42 + static_cast<uint64_t>(id),
                      .logprobs = 20,
                      .max_tokens = 200,
                      .ignore_eos = true};
    all.push_back(std::move(request));
  }
  return all;
}

std::vector<Plan> plans() { return {{}, {.pp = 3}, {.tp = 2, .pp = 2, .sp = true}}; }

std::string name(const Plan& plan) { return fmt::format("tp {} pp {}", plan.tp, plan.pp); }

class Undisturbed : public ::testing::Test {
 protected:
  // What every other run must give.
  static void SetUpTestSuite() {
    model_ = new TinyModel({.vocab = kVocab});
    expected_ = new ReplicaRun(run_replica(model_->dir, {.chunk = 100}, requests()));
    for (const auto& [id, result] : expected_->results) ASSERT_EQ(result.sampled.size(), 200U);
  }
  static void TearDownTestSuite() {
    delete expected_;
    delete model_;
  }
  static void expect_same(const ReplicaRun& run, const std::string& what) {
    for (const auto& [id, result] : expected_->results) {
      EXPECT_TRUE(run.results.at(id).sampled == result.sampled) << what << ", request " << id;
    }
  }
  static const TinyModel* model_;
  static const ReplicaRun* expected_;
};
const TinyModel* Undisturbed::model_ = nullptr;
const ReplicaRun* Undisturbed::expected_ = nullptr;

TEST_F(Undisturbed, ByHitsInThePrefixCache) {
  for (const Plan& plan : plans()) {
    for (const int64_t chunk : {64, 512}) {  // 512: the sharer is in the step that computes the prefix
      const ReplicaRun run =
          run_replica(model_->dir, {.plan = plan, .chunk = chunk, .enable_prefix_caching = true}, requests());
      expect_same(run, fmt::format("{}, chunks of {}", name(plan), chunk));
      // Four find three blocks, the last only one: its second holds the token whose logits are wanted.
      EXPECT_EQ(run.stats.prefix_hits, (4 * 3 + 1) * kBlock);
      EXPECT_EQ(run.stats.prefix_queries, 5 * 200 + (1 + 21 + 41 + 61 + 81) + 2 * kBlock);
    }
  }
}

TEST_F(Undisturbed, ByPreemption) {
  for (const Plan& plan : plans()) {
    for (const bool cache : {false, true}) {
      const ReplicaRun run = run_replica(
          model_->dir, {.plan = plan, .chunk = 100, .num_blocks = cache ? 10 : 16, .enable_prefix_caching = cache},
          requests());
      expect_same(run, fmt::format("{}, {} cache", name(plan), cache ? "with" : "without"));
      EXPECT_GT(run.stats.preemptions, 0) << name(plan);
    }
  }
}

TEST_F(Undisturbed, ByResumptionOnAnotherReplica) {
  for (const Plan& plan : plans()) {
    std::vector<Request> resumed = requests();
    for (Request& request : resumed) {
      const std::vector<int32_t>& ids = expected_->results.at(request.id).ids;
      const auto known = static_cast<ptrdiff_t>(1 + (47 * request.id) % 199);
      request.output_ids.assign(ids.begin(), ids.begin() + known);
    }
    ReplicaRun run = run_replica(model_->dir, {.plan = plan, .chunk = 100, .enable_prefix_caching = true}, resumed);
    for (const Request& request : resumed) {
      std::vector<SampledToken>& sampled = run.results.at(request.id).sampled;
      const auto& before = expected_->results.at(request.id).sampled;
      sampled.insert(sampled.begin(), before.begin(),
                     before.begin() + static_cast<ptrdiff_t>(request.output_ids.size()));
    }
    expect_same(run, name(plan));
  }
}

}  // namespace
}  // namespace kerf
