// A random life of the scheduler against a model of the replica that checks every step: requests
// arrive and leave at random, outputs come late, under many limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "kerf/engine/scheduler.h"

namespace kerf {
namespace {

constexpr int32_t kVocab = 40;
constexpr int32_t kEos = 0;

// What the model says after `position` tokens of a request. A few are the end.
int32_t token_at(RequestId request, int64_t position) {
  return static_cast<int32_t>(static_cast<uint64_t>(request * 7919 + position * 104729 + position * position) % kVocab);
}

// The replica: a KV cache that remembers which token of which request was written where.
class Replica {
 public:
  explicit Replica(const SchedulerConfig& config) : config_(config) {
    cache_.resize(static_cast<size_t>(config.num_blocks * config.block_size));
  }

  void arrive(const Request& request) {
    Life& life = lives_[request.id];
    life.request = request;
    life.tokens = request.prompt_ids;
  }
  void leave(RequestId id) { lives_.at(id).ended = true; }

  // The pipeline takes a step in. Steps pass every stage in order, so computing it here and now is the same.
  void compute(const Step& step) {
    ASSERT_TRUE(step.check(config_.bounds()).ok()) << step.check(config_.bounds()).error().message;
    ASSERT_LE(static_cast<int64_t>(step.tokens.size()), config_.max_num_batched_tokens);
    ASSERT_EQ(step.id, steps_++);
    flying_.push_back({step, {}});
    ASSERT_LE(flying_.size(), static_cast<size_t>(config_.steps_in_flight));
    for (const int32_t slot : step.released) ASSERT_EQ(slots_.erase(slot), 1U) << "released, but nobody was there";
    for (const NewSequence& s : step.started) {
      ASSERT_TRUE(slots_.emplace(s.slot, s.request).second) << "slot " << s.slot << " is taken";
      ASSERT_GT(s.request, last_started_) << "not first come, first served";
      last_started_ = s.request;
      ASSERT_EQ(static_cast<size_t>(s.prompt_tokens), lives_.at(s.request).request.prompt_ids.size());
    }
    int64_t score_rows = 0;
    bool decodes_over = false;
    RequestId last_prompt = 0;
    for (const SequenceSpan& span : step.spans) {
      ASSERT_TRUE(slots_.contains(span.slot));
      const RequestId id = slots_.at(span.slot);
      Life& life = lives_.at(id);
      flying_.back().requests.push_back(id);
      ASSERT_FALSE(life.ended) << "computes for a request that has ended";
      ASSERT_EQ(life.awaited, 0) << "in a second step before its token came";
      ASSERT_EQ(span.first_position, life.computed) << "a token left out or computed twice";
      const bool decode = span.first_position >= static_cast<int64_t>(life.request.prompt_ids.size());
      if (decode) {
        ASSERT_FALSE(decodes_over) << "decodes come first";
      } else {
        decodes_over = true;
        ASSERT_GT(id, last_prompt) << "prompts in order of arrival";
        last_prompt = id;
      }
      read_and_write(id, life, span, step);
      expect_logits(life, span);
      if (span.logits == LogitsWanted::kAll) score_rows += span.tokens;
    }
    ASSERT_LE(score_rows, config_.max_score_rows);
  }

  [[nodiscard]] bool flying() const { return !flying_.empty(); }

  StepOutput oldest_output() {
    const Step& step = flying_.front().step;
    StepOutput output{.step = step.id};
    for (size_t i = 0; i < step.spans.size(); ++i) {
      const SequenceSpan& span = step.spans[i];
      if (span.logits == LogitsWanted::kNone) continue;
      OutputRow& row = output.rows.emplace_back(OutputRow{.slot = span.slot});
      if (span.logits == LogitsWanted::kAll) {
        row.logits.resize(static_cast<size_t>(span.tokens) * kVocab);
      } else {
        Life& life = lives_.at(flying_.front().requests[i]);
        row.sampled.token = token_at(life.request.id, span.first_position + span.tokens);
        --life.awaited;
        if (!life.ended) life.tokens.push_back(row.sampled.token);
      }
    }
    flying_.pop_front();
    return output;
  }

  void check(const SequenceUpdate& update) {
    Life& life = lives_.at(update.request);
    ASSERT_FALSE(life.ended) << "an update after the end";
    const auto prompt = static_cast<int64_t>(life.request.prompt_ids.size());
    if (life.request.score) {
      ASSERT_EQ(update.position, life.scored);
      life.scored += static_cast<int64_t>(update.logits.size()) / kVocab;
      ASSERT_EQ(update.finish.has_value(), life.scored == prompt);
    } else {
      const auto size = static_cast<int64_t>(life.tokens.size());
      ASSERT_EQ(update.position, size - 1);
      ASSERT_EQ(update.token->token, life.tokens.back());
      const bool stop = life.tokens.back() == kEos && !life.request.params.ignore_eos;
      const bool length = size - prompt == life.request.params.max_tokens || size == config_.max_model_len;
      ASSERT_EQ(update.finish.has_value(), stop || length);
      if (stop || length) {
        ASSERT_EQ(*update.finish, stop ? FinishReason::kStop : FinishReason::kLength);
      }
    }
    if (update.finish) {
      life.ended = true;
      ++finished_;
    }
  }

  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] int finished() const { return finished_; }
  [[nodiscard]] bool all_ended() const {
    return std::all_of(lives_.begin(), lives_.end(), [](const auto& life) { return life.second.ended; });
  }

 private:
  struct Life {
    Request request;
    std::vector<int32_t> tokens;  // prompt, and output that rank 0 knows
    int64_t computed = 0;         // positions in the cache
    int awaited = 0;              // outputs under way
    int64_t scored = 0;
    bool ended = false;
  };
  struct Flying {
    Step step;
    std::vector<RequestId> requests;  // of its spans
  };
  struct Entry {
    RequestId request = -1;
    int64_t position = -1;
  };

  // Writes the span's positions, then reads all up to them, as attention does.
  void read_and_write(RequestId id, Life& life, const SequenceSpan& span, const Step& step) {
    const auto blocks = step.blocks_of(span);
    const auto entry = [&](int64_t position) -> Entry& {
      const int64_t block = blocks[static_cast<size_t>(position / config_.block_size)];
      return cache_[static_cast<size_t>(block * config_.block_size + position % config_.block_size)];
    };
    for (const int32_t token : step.tokens_of(span)) {
      ASSERT_EQ(token, life.tokens[static_cast<size_t>(life.computed)]);
      entry(life.computed) = {id, life.computed};
      ++life.computed;
    }
    for (int64_t position = 0; position < life.computed; ++position) {
      ASSERT_EQ(entry(position).request, id) << "another sequence wrote into its block";
      ASSERT_EQ(entry(position).position, position);
    }
  }

  static void expect_logits(Life& life, const SequenceSpan& span) {
    const bool whole = life.computed >= static_cast<int64_t>(life.request.prompt_ids.size());
    const LogitsWanted expected = life.request.score ? LogitsWanted::kAll
                                  : whole            ? LogitsWanted::kLast
                                                     : LogitsWanted::kNone;
    ASSERT_EQ(span.logits, expected);
    if (expected == LogitsWanted::kLast) ++life.awaited;
  }

  SchedulerConfig config_;
  std::map<RequestId, Life> lives_;
  std::map<int32_t, RequestId> slots_;
  std::vector<Entry> cache_;
  std::deque<Flying> flying_;
  int64_t steps_ = 0;
  RequestId last_started_ = 0;
  int finished_ = 0;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : rng_(seed), config_(random_config()), scheduler_(config_), replica_(config_) {}

  // Random events until `steps` steps were made, then to the end of everything.
  void run(int64_t steps) {
    while (replica_.steps() < steps && !::testing::Test::HasFatalFailure()) {
      switch (below(8)) {
        case 0:
        case 1:
          if (scheduler_.num_waiting() < 5) arrive();
          break;
        case 2:
          if (below(6) == 0 && next_id_ > 1) leave(next_id_ - below(std::min<int64_t>(next_id_, 12)));
          break;
        case 3:
        case 4: deliver(); break;
        default: issue();
      }
    }
    while (!scheduler_.idle() && !::testing::Test::HasFatalFailure()) {
      issue();
      deliver();
    }
    ASSERT_TRUE(replica_.all_ended());
    ASSERT_EQ(scheduler_.num_free_blocks(), config_.num_blocks) << "leaked";
  }
  [[nodiscard]] const Replica& replica() const { return replica_; }
  [[nodiscard]] int left() const { return left_; }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(rng_() % static_cast<uint64_t>(n)); }

  SchedulerConfig random_config() {
    SchedulerConfig c;
    c.max_num_seqs = 1 + below(12);
    c.max_num_batched_tokens = c.max_num_seqs + below(below(2) ? 300 : 8);
    c.max_score_rows = 1 + below(50);
    c.steps_in_flight = 1 + static_cast<int>(below(5));
    c.max_model_len = 2 + below(300);
    c.vocab_size = kVocab;
    c.block_size = below(2) ? 64 : 1 + below(16);
    const int64_t longest = (c.max_model_len + c.block_size - 1) / c.block_size;
    c.num_blocks = 1 + longest / 2 + below(3 * longest);
    c.eos_ids = {kEos};
    return c;
  }

  void arrive() {
    Request r{.id = next_id_};
    const int64_t prompt = 1 + below(below(4) ? 30 : 280);
    for (int64_t i = 0; i < prompt; ++i) r.prompt_ids.push_back(static_cast<int32_t>(below(kVocab)));
    r.params.max_tokens = 1 + below(60);
    r.params.ignore_eos = below(2) == 0;
    r.score = below(8) == 0;
    if (!scheduler_.add(r).ok()) return;  // too long for this configuration
    replica_.arrive(r);
    ++next_id_;
  }
  void leave(RequestId id) {
    if (!scheduler_.end(id)) return;
    replica_.leave(id);
    ++left_;
  }
  void issue() {
    if (const auto step = scheduler_.next()) replica_.compute(*step);
    ASSERT_TRUE(replica_.flying() || scheduler_.idle()) << "stuck";
  }
  void deliver() {
    if (!replica_.flying()) return;
    const auto updates = scheduler_.on_output(replica_.oldest_output());
    ASSERT_TRUE(updates.ok()) << updates.error().message;
    for (const SequenceUpdate& update : *updates) replica_.check(update);
  }

  std::mt19937_64 rng_;
  SchedulerConfig config_;
  Scheduler scheduler_;
  Replica replica_;
  RequestId next_id_ = 1;
  int left_ = 0;
};

TEST(SchedulerSimulation, EveryTokenIsComputedOnceInOrderNothingLeaksAndEverythingEnds) {
  int64_t steps = 0;
  int finished = 0;
  int left = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation(seed);
    simulation.run(300);
    ASSERT_FALSE(HasFatalFailure());
    steps += simulation.replica().steps();
    finished += simulation.replica().finished();
    left += simulation.left();
  }
  EXPECT_GE(steps, 30000);
  EXPECT_GT(finished, 1000) << "the simulation exercises little";
  EXPECT_GT(left, 300);
}

}  // namespace
}  // namespace kerf
