// A model of a replica for tests of the scheduler: takes steps in as the stages would, and checks of each that it may
// be computed: which token of which sequence is where in the KV cache, who may read it, who may write.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kerf/engine/scheduler.h"

namespace kerf::testing {

class SimulatedReplica {
 public:
  static constexpr int32_t kVocab = 40;
  static constexpr int32_t kEos = 0;

  // What the model says at `position` of a request. A few are the end.
  static int32_t token_at(RequestId request, int64_t position) {
    return static_cast<int32_t>(static_cast<uint64_t>(request * 7919 + position * 104729 + position * position) %
                                kVocab);
  }

  explicit SimulatedReplica(const SchedulerConfig& config)
      : config_(config),
        cache_(static_cast<size_t>(config.num_blocks * config.block_size)),
        readers_(static_cast<size_t>(config.num_blocks)),
        slots_(static_cast<size_t>(config.max_num_seqs)) {}

  void arrive(const Request& request) {
    Life& life = lives_[request.id];
    life = {.request = request, .tokens = request.prompt_ids};
    life.tokens.insert(life.tokens.end(), request.output_ids.begin(), request.output_ids.end());
    waiting_.insert(request.id);
  }
  void leave(RequestId id) { end(lives_.at(id)); }

  // All that runs or waits, as another replica would be asked to go on with it, in order of arrival.
  [[nodiscard]] std::vector<Request> survivors() const {
    std::vector<Request> requests;
    for (const auto& [id, life] : lives_) {
      if (life.ended) continue;
      Request& request = requests.emplace_back(life.request);
      const auto prompt = static_cast<ptrdiff_t>(request.prompt_ids.size());
      request.output_ids.assign(life.tokens.begin() + prompt, life.tokens.end());
    }
    return requests;
  }

  // The pipeline takes a step in. Steps pass every stage in order, so computing it here and now is the same.
  void compute(const Step& step) {
    if (const Status valid = step.check(config_.bounds()); !valid.ok()) return expect(false, valid.error().message);
    expect(step.id == steps_++, "steps are not numbered in order");
    expect(static_cast<int64_t>(step.tokens.size()) <= config_.max_num_batched_tokens, "more tokens than the budget");
    expect(static_cast<int64_t>(flying_.size()) < config_.steps_in_flight, "more steps in flight than stages");
    flying_.push_back({step, {}});
    for (const int32_t slot : step.released) release(slot);
    for (const NewSequence& started : step.started) start(started);
    int64_t score_rows = 0;
    int64_t prompt_tokens = 0;
    bool decodes = false;
    bool prompts = false;
    for (const SequenceSpan& span : step.spans) {
      const Slot& slot = slots_[static_cast<size_t>(span.slot)];
      if (slot.life == nullptr) return expect(false, "a span in a slot that nobody has");
      Life& life = *slot.life;
      flying_.back().lives.push_back(&life);
      hold(span, step.blocks_of(span));  // after the spans before it: who finds their blocks comes later
      expect(!life.ended, "computes for a request that has ended");
      expect(life.awaited == 0, "in a second step before its token came");
      expect(span.first_position == life.computed, "a token left out or computed twice");
      const bool decode = life.computed >= life.prefill;
      expect(!decode || (!prompts && span.tokens == 1), "decodes are not first");
      (decode ? decodes : prompts) = true;
      if (!decode) prompt_tokens += span.tokens;
      write_and_read(life, span, step);
      expect_logits(life, span);
      if (span.logits == LogitsWanted::kAll) score_rows += span.tokens;
    }
    expect(score_rows <= config_.max_score_rows, "more scored rows than the budget");
    const int64_t beside = config_.max_prompt_tokens_beside_decodes;
    expect(beside == 0 || !decodes || prompt_tokens <= beside, "more prompt tokens beside decodes than allowed");
  }

  [[nodiscard]] bool flying() const { return !flying_.empty(); }

  StepOutput oldest_output() {
    const Flying done = std::move(flying_.front());
    flying_.pop_front();
    StepOutput output{.step = done.step.id};
    for (size_t i = 0; i < done.step.spans.size(); ++i) {
      const SequenceSpan& span = done.step.spans[i];
      if (span.logits == LogitsWanted::kNone) continue;
      OutputRow& row = output.rows.emplace_back(OutputRow{.slot = span.slot});
      if (span.logits == LogitsWanted::kAll) {
        row.logits.resize(static_cast<size_t>(span.tokens) * kVocab);
        continue;
      }
      Life& life = *done.lives[i];
      row.sampled.token = token_at(life.request.id, span.first_position + span.tokens);
      --life.awaited;
      if (!life.ended) life.tokens.push_back(row.sampled.token);
    }
    return output;
  }

  void check(const SequenceUpdate& update) {
    Life& life = lives_.at(update.request);
    if (life.ended) return expect(false, "an update after the end");
    const auto prompt = static_cast<int64_t>(life.request.prompt_ids.size());
    bool over = false;
    if (life.request.score) {
      expect(update.position == life.scored, "rows of logits out of order");
      life.scored += static_cast<int64_t>(update.logits.size()) / kVocab;
      over = life.scored == prompt;
    } else {
      const auto size = static_cast<int64_t>(life.tokens.size());
      expect(update.position == size - 1 && update.token->token == life.tokens.back(), "another token, or not once");
      const bool stop = life.tokens.back() == kEos && !life.request.params.ignore_eos;
      over = stop || size - prompt == life.request.params.max_tokens || size == config_.max_model_len;
      if (over) expect(update.finish == (stop ? FinishReason::kStop : FinishReason::kLength), "another end");
    }
    expect(update.finish.has_value() == over, "ends too early or too late");
    if (!over) return;
    end(life);
    ++finished_;
  }

  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] int64_t finished() const { return finished_; }
  [[nodiscard]] int64_t hits() const { return hits_; }  // tokens
  [[nodiscard]] bool all_ended() const {
    return std::all_of(lives_.begin(), lives_.end(), [](const auto& life) { return life.second.ended; });
  }
  // The first thing that was wrong; empty = nothing.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  void expect(bool fine, const std::string& otherwise) {
    if (!fine && violation_.empty()) violation_ = otherwise;
  }

 private:
  struct Life {
    Request request;
    std::vector<int32_t> tokens;     // prompt, and output that rank 0 knows
    std::vector<uint64_t> prefixes;  // [p] stands for tokens [0, p]
    int64_t computed = 0;            // positions in the cache
    int64_t prefill = 0;             // of them, those before the first token of this start
    int awaited = 0;                 // outputs under way
    int64_t scored = 0;
    bool ended = false;
  };
  struct Slot {
    Life* life = nullptr;
    std::vector<int32_t> blocks;
  };
  struct Flying {
    Step step;
    std::vector<Life*> lives;  // of its spans
  };

  void end(Life& life) {
    life.ended = true;
    waiting_.erase(life.request.id);
  }

  void release(int32_t slot_id) {
    Slot& slot = slots_[static_cast<size_t>(slot_id)];
    if (slot.life == nullptr) return expect(false, "released, but nobody was there");
    for (const int32_t block : slot.blocks) --readers_[static_cast<size_t>(block)];
    if (!slot.life->ended) waiting_.insert(slot.life->request.id);
    slot = {};
  }

  void start(const NewSequence& started) {
    Slot& slot = slots_[static_cast<size_t>(started.slot)];
    expect(slot.life == nullptr, "a slot is given twice");
    Life& life = lives_.at(started.request);
    expect(waiting_.erase(started.request) == 1, "started, but not waiting");
    expect_turn(life);
    slot.life = &life;
    expect(static_cast<size_t>(started.prompt_tokens) == life.request.prompt_ids.size(), "another prompt length");
    life.computed = static_cast<int64_t>(started.cached_ids.size());
    life.prefill = static_cast<int64_t>(life.tokens.size());
    expect(life.computed < life.prefill && life.computed % config_.block_size == 0, "a hit on no whole block");
    expect(std::equal(started.cached_ids.begin(), started.cached_ids.end(), life.tokens.begin()),
           "the cached tokens are others");
    expect(life.computed == 0 || (config_.enable_prefix_caching && !life.request.score), "a hit that may not be");
    hits_ += life.computed;
  }

  // In order of arrival among its like; and the oldest of all is not passed over for ever.
  void expect_turn(const Life& life) {
    const RequestId id = life.request.id;
    RequestId oldest = 0;
    for (const RequestId other_id : waiting_) {
      const Life& other = lives_.at(other_id);
      if (other.awaited > 0) continue;  // preempted, and its token is under way
      if (oldest == 0) oldest = other_id;
      if (other_id > id) break;
      const bool alike = other.request.tenant == life.request.tenant && other.request.priority == life.request.priority;
      expect(!alike, "not in order of arrival");
    }
    passed_over_ = oldest != 0 && oldest < id && oldest == passed_over_id_ ? passed_over_ + 1 : 1;
    passed_over_id_ = oldest;
    expect(passed_over_ <= 8, "the oldest request is passed over");
  }

  void hold(const SequenceSpan& span, std::span<const int32_t> blocks) {
    Slot& slot = slots_[static_cast<size_t>(span.slot)];
    expect(std::equal(slot.blocks.begin(), slot.blocks.end(), blocks.begin(),
                      blocks.begin() + static_cast<ptrdiff_t>(std::min(slot.blocks.size(), blocks.size()))),
           "a sequence's blocks change");
    for (size_t i = slot.blocks.size(); i < blocks.size(); ++i) {
      slot.blocks.push_back(blocks[i]);
      ++readers_[static_cast<size_t>(blocks[i])];
    }
  }

  // Writes the span's positions, then reads all up to them, as attention does.
  void write_and_read(Life& life, const SequenceSpan& span, const Step& step) {
    const auto blocks = step.blocks_of(span);
    const auto entry = [&](int64_t position) -> uint64_t& {
      const int64_t block = blocks[static_cast<size_t>(position / config_.block_size)];
      return cache_[static_cast<size_t>(block * config_.block_size + position % config_.block_size)];
    };
    while (life.prefixes.size() < life.tokens.size()) {
      const uint64_t before = life.prefixes.empty() ? 1 : life.prefixes.back();
      const auto token = static_cast<uint64_t>(life.tokens[life.prefixes.size()]);
      life.prefixes.push_back((before ^ token) * 0x9E3779B97F4A7C15 + 1);
    }
    for (const int32_t token : step.tokens_of(span)) {
      if (life.computed >= static_cast<int64_t>(life.tokens.size())) return expect(false, "a token too many");
      expect(token == life.tokens[static_cast<size_t>(life.computed)], "another token");
      const auto block = static_cast<size_t>(blocks[static_cast<size_t>(life.computed / config_.block_size)]);
      expect(readers_[block] == 1, "a shared block is written");
      entry(life.computed) = life.prefixes[static_cast<size_t>(life.computed)];
      ++life.computed;
    }
    for (int64_t first = 0; first < life.computed; first += config_.block_size) {
      const auto end = std::min(life.computed, first + config_.block_size);
      expect(std::equal(&entry(first), &entry(first) + (end - first), life.prefixes.begin() + first),
             "a block holds the keys and values of other tokens");
    }
  }

  void expect_logits(Life& life, const SequenceSpan& span) {
    const bool whole = life.computed >= static_cast<int64_t>(life.tokens.size());
    const LogitsWanted expected = life.request.score ? LogitsWanted::kAll
                                  : whole            ? LogitsWanted::kLast
                                                     : LogitsWanted::kNone;
    expect(span.logits == expected, "other logits");
    if (expected == LogitsWanted::kLast) ++life.awaited;
  }

  SchedulerConfig config_;
  std::map<RequestId, Life> lives_;
  std::vector<uint64_t> cache_;   // [block · block_size + offset] = Life::prefixes of what was written there
  std::vector<int32_t> readers_;  // [block] slots that have it
  std::vector<Slot> slots_;
  std::set<RequestId> waiting_;  // without a slot, as far as steps have told
  std::deque<Flying> flying_;
  int64_t steps_ = 0;
  int64_t finished_ = 0;
  int64_t hits_ = 0;
  RequestId passed_over_id_ = 0;
  int passed_over_ = 0;
  std::string violation_;
};

}  // namespace kerf::testing
