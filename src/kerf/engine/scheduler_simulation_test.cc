// A random life of the scheduler against a model of the replica that checks every step: requests arrive, share
// prefixes, leave and are preempted at random, outputs come late, replicas die and others go on, under many limits.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "kerf/engine/simulated_replica.h"

namespace kerf {
namespace {

using testing::SimulatedReplica;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kSteps = 50'000;
#else
constexpr int64_t kSteps = 1'000'000;
#endif
constexpr int64_t kStepsPerSeed = 500;

struct Totals {
  int64_t steps = 0, finished = 0, left = 0, failures = 0, preemptions = 0, hits = 0;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : rng_(seed), config_(random_config()) { start_replica(); }

  // Random events until `steps` steps were made, then to the end of everything. Returns what was wrong.
  std::string run(int64_t steps, Totals& totals) {
    for (int64_t events = 0; totals_.steps + replica_->steps() < steps && events < 100 * steps; ++events) {
      if (!replica_->violation().empty()) return replica_->violation();
      switch (below(8)) {
        case 0:
        case 1:
          if (scheduler_->num_waiting() < 8) arrive();
          break;
        case 2:
          if (below(6) == 0 && next_id_ > 1) leave(next_id_ - below(std::min<int64_t>(next_id_, 12)));
          if (below(300) == 0) fail_over();
          break;
        case 3:
        case 4: deliver(); break;
        default: issue();
      }
    }
    while (!scheduler_->idle() && replica_->violation().empty()) {
      issue();
      deliver();
    }
    replica_->expect(replica_->all_ended(), "idle before the end");
    replica_->expect(scheduler_->num_free_blocks() == config_.num_blocks, "a block leaked");
    replica_->expect(scheduler_->num_running() == 0, "a slot leaked");
    count();
    totals.steps += totals_.steps;
    totals.finished += totals_.finished;
    totals.left += totals_.left;
    totals.failures += totals_.failures;
    totals.preemptions += totals_.preemptions;
    totals.hits += totals_.hits;
    return replica_->violation();
  }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(rng_() % static_cast<uint64_t>(n)); }

  SchedulerConfig random_config() {
    SchedulerConfig c;
    c.max_num_seqs = 1 + below(12);
    c.max_num_batched_tokens = c.max_num_seqs + below(below(2) ? 300 : 8);
    c.max_score_rows = 1 + below(50);
    c.steps_in_flight = 1 + static_cast<int>(below(5));
    c.max_model_len = 2 + below(300);
    c.vocab_size = SimulatedReplica::kVocab;
    c.block_size = below(2) ? 64 : 1 + below(16);
    const int64_t longest = (c.max_model_len + c.block_size - 1) / c.block_size;
    c.num_blocks = 1 + longest / 2 + below((below(2) ? 1 : 3) * longest);
    c.eos_ids = {SimulatedReplica::kEos};
    c.enable_prefix_caching = below(4) > 0;
    c.max_prompt_tokens_beside_decodes = below(2) ? 0 : 1 + below(100);
    return c;
  }

  void start_replica() {
    scheduler_ = std::make_unique<Scheduler>(config_);
    replica_ = std::make_unique<SimulatedReplica>(config_);
  }
  void count() {
    totals_.steps += replica_->steps();
    totals_.finished += replica_->finished();
    totals_.hits += replica_->hits();
    const SchedulerStats stats = scheduler_->stats();
    totals_.preemptions += stats.preemptions;
    replica_->expect(stats.prefix_hits <= replica_->hits() && stats.steps == replica_->steps(), "counted wrongly");
  }

  void arrive() {
    Request r{.id = next_id_};
    const int64_t prompt = 1 + below(below(4) ? 30 : 280);
    const int64_t shared = below(4) ? below(prompt + 1) : 0;  // one of three long prefixes, cut somewhere
    const int64_t prefix = below(3);
    for (int64_t i = 0; i < prompt; ++i) {
      r.prompt_ids.push_back(i < shared ? SimulatedReplica::token_at(prefix, i)
                                        : static_cast<int32_t>(below(SimulatedReplica::kVocab)));
    }
    r.params.max_tokens = 1 + below(below(4) ? 60 : 300);
    r.params.ignore_eos = below(2) == 0;
    r.score = below(8) == 0;
    r.priority = static_cast<int>(below(4) ? 0 : below(3) - 1);
    r.tenant = static_cast<uint64_t>(below(3));
    add(r);
  }
  void add(const Request& r) {
    if (!scheduler_->add(r).ok()) return;  // too long for this configuration
    replica_->arrive(r);
    next_id_ = std::max(next_id_, r.id + 1);
  }
  void leave(RequestId id) {
    if (!scheduler_->end(id)) return;
    replica_->leave(id);
    ++totals_.left;
  }
  // The replica dies; another one goes on with all that it had said so far.
  void fail_over() {
    count();
    const std::vector<Request> survivors = replica_->survivors();
    if (!replica_->violation().empty()) return;
    start_replica();
    for (const Request& request : survivors) add(request);
    replica_->expect(scheduler_->num_waiting() == static_cast<int64_t>(survivors.size()), "a request got lost");
    ++totals_.failures;
  }
  void issue() {
    if (const auto step = scheduler_->next()) replica_->compute(*step);
    replica_->expect(replica_->flying() || scheduler_->idle(), "stuck");
  }
  void deliver() {
    if (!replica_->flying()) return;
    const auto updates = scheduler_->on_output(replica_->oldest_output());
    if (!updates.ok()) return replica_->expect(false, updates.error().message);
    for (const SequenceUpdate& update : *updates) replica_->check(update);
  }

  std::mt19937_64 rng_;
  SchedulerConfig config_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<SimulatedReplica> replica_;
  RequestId next_id_ = 1;
  Totals totals_;  // of the replicas that died
};

TEST(SchedulerSimulation, EveryTokenComesOnceInOrderNothingLeaksNobodyStarvesAndEverythingEnds) {
  Totals totals;
  for (uint64_t seed = 1; totals.steps < kSteps; ++seed) {
    const std::string violation = Simulation(seed).run(kStepsPerSeed, totals);
    ASSERT_EQ(violation, "") << "seed " << seed;
  }
  EXPECT_GT(totals.finished, kSteps / 40) << "the simulation exercises little";
  EXPECT_GT(totals.left, kSteps / 200);
  EXPECT_GT(totals.failures, kSteps / 2000);
  EXPECT_GT(totals.preemptions, kSteps / 250);
  EXPECT_GT(totals.hits, kSteps / 20);
  RecordProperty("totals", fmt::format("{} finished, {} left, {} failures, {} preemptions, {} hits", totals.finished,
                                       totals.left, totals.failures, totals.preemptions, totals.hits));
}

TEST(SchedulerSimulation, TheSameSeedGivesTheSameLife) {
  for (const uint64_t seed : {3, 14, 15}) {
    Totals first;
    Totals second;
    EXPECT_EQ(Simulation(seed).run(kStepsPerSeed, first), "");
    EXPECT_EQ(Simulation(seed).run(kStepsPerSeed, second), "");
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.finished, second.finished);
    EXPECT_EQ(first.preemptions, second.preemptions);
    EXPECT_EQ(first.hits, second.hits);
  }
}

}  // namespace
}  // namespace kerf
