// Scheduler: decides which tokens of which sequences each step computes. A state machine without clock, thread or
// communication: the same calls give the same steps. Rank 0 owns the one scheduler of a replica.
//
// Policy. A step takes decodes first (one token each, the one that waits longest first) and fills the rest of its
// token budget with prompt chunks (chunked prefill, as in Sarathi-Serve, OSDI 2024), best rank first (sequence.h).
// Nobody overtakes a prompt that the budget cuts, but one of a higher priority. Who is admitted next is the WaitQueue's
// to say: by priority, fairly by tenant, in order of arrival.
//
// Pipeline. Up to `steps_in_flight` steps run at once. A sequence that samples in one of them waits for its output;
// chunks of one prompt follow each other without waiting, because every stage runs the steps in order. So that
// every stage has work, each step takes only its share: 1 / steps_in_flight of the decoding sequences and of
// the prompt tokens that are there to be computed.
//
// Memory. A request is admitted when a slot is free, and blocks for all its known tokens, and one more for each
// sequence that may still grow. Sequences grow block by block. When none is free, the sequence of the worst rank is
// preempted: it gives its slot and blocks back and waits; later its prompt and its output so far are computed again,
// which gives the same bits. The best of those that run is never preempted, so something always gets done; a request
// that its age brought in goes before all that came later, so everything does.
//
// Blocks and slots are free at once when a sequence ends or is preempted, though steps in flight may use them: every
// stage runs the steps in order, and what uses them next comes in a later step.
//
// Prefix cache. Whole blocks are published when the step that fills them is made: whoever finds them is in the same
// step or a later one, and a layer stores the keys and values of all of a step's tokens before it attends to any.
// Scored requests neither look nor publish.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/request.h"
#include "kerf/engine/scheduler_config.h"
#include "kerf/engine/sequence.h"
#include "kerf/engine/step.h"
#include "kerf/engine/wait_queue.h"

namespace kerf {

// What an output means for one request.
struct SequenceUpdate {
  RequestId request = 0;
  int64_t position = 0;                // of the token, or of the first row of logits
  std::optional<SampledToken> token;   // new; an end-of-sequence token is reported like any other
  std::vector<float> logits;           // a scored request's: [tokens, vocab] f32
  std::optional<FinishReason> finish;  // set: the last update of this request
  std::string error;                   // why, when finish is kError
  int64_t cached_tokens = 0;           // of the prompt, found in the prefix cache when the request began
};

class Scheduler {
 public:
  // REQUIRES: config.validate() is ok.
  explicit Scheduler(SchedulerConfig config);

  // Fails when the request can never run here, or its id is in use. It is then as if it had not come.
  [[nodiscard]] Status add(Request request);

  // The next step to send down the pipeline, or none: enough are in flight, or nothing can run before an
  // output or a new request comes.
  [[nodiscard]] std::optional<Step> next();

  // The answer to the oldest step in flight. Fails, changing nothing, when it does not fit that step.
  [[nodiscard]] Result<std::vector<SequenceUpdate>> on_output(StepOutput output);

  // Ends a request from outside: a stop string, a client that left. No update of it comes any more; its slot, its
  // blocks and its id are free. False when it is unknown or has ended.
  bool end(RequestId request);

  [[nodiscard]] int64_t num_waiting() const { return static_cast<int64_t>(sequences_.size()) - num_running(); }
  [[nodiscard]] int64_t num_running() const { return config_.max_num_seqs - static_cast<int64_t>(free_slots_.size()); }
  [[nodiscard]] int64_t num_free_blocks() const { return pool_.num_free(); }
  [[nodiscard]] int num_in_flight() const { return static_cast<int>(in_flight_.size()); }
  // Nothing to do until add().
  [[nodiscard]] bool idle() const { return sequences_.empty() && in_flight_.empty(); }

  [[nodiscard]] SchedulerStats stats() const;

 private:
  // One span of a step in flight.
  struct Part {
    std::shared_ptr<Sequence> sequence;
    int32_t slot;
    LogitsWanted logits;
    int64_t first_position;
    int64_t tokens;
  };
  struct InFlight {
    int64_t step = 0;
    int64_t prompt_tokens = 0;
    std::vector<Part> parts;
  };

  // scheduler.cc: requests come and go
  [[nodiscard]] Status check(const Request& request) const;
  [[nodiscard]] int64_t positions_needed(const Sequence& sequence) const;
  void finish(Sequence& sequence);
  void leave_batch(Sequence& sequence);
  void preempt(Sequence& sequence);

  // scheduler_step.cc: a step is made
  void take_decodes(Step& step);
  [[nodiscard]] bool make_room(Sequence& sequence);
  void take_prompts(Step& step);
  [[nodiscard]] int64_t prompt_budget(const Step& step) const;
  [[nodiscard]] Sequence* next_prompt();
  [[nodiscard]] bool admit_next();
  void take(Sequence& sequence, int64_t tokens, LogitsWanted logits, Step& step);
  void start(Sequence& sequence, Step& step);
  [[nodiscard]] bool may_grow(const Sequence& sequence) const;

  // scheduler_output.cc: a step is answered
  [[nodiscard]] Status check(const StepOutput& output) const;
  [[nodiscard]] SequenceUpdate apply(const Part& part, OutputRow row, Sequence& sequence);
  [[nodiscard]] std::optional<FinishReason> finish_reason(const Sequence& sequence) const;

  SchedulerConfig config_;
  BlockPool pool_;
  std::unordered_map<RequestId, std::shared_ptr<Sequence>> sequences_;  // that have not ended
  WaitQueue queue_;
  std::set<Sequence*, ByRank> prefilling_;
  std::deque<Sequence*> ready_;              // longest waiting first
  std::set<Sequence*, ByRank> preemptible_;  // with a slot; scored ones have all their blocks and keep them
  std::vector<int32_t> free_slots_;          // a stack
  std::vector<int32_t> released_;            // to be told in the next step
  InFlight making_;                          // the step being made
  std::deque<InFlight> in_flight_;           // oldest first
  int64_t arrivals_ = 0;
  int64_t decoding_ = 0;              // sequences whose prefill is all in steps, but for scored ones
  int64_t growing_ = 0;               // sequences with a slot that may need another block
  int64_t prefill_left_ = 0;          // over prefilling_
  int64_t prompt_tokens_flying_ = 0;  // over in_flight_
  // Who could not be admitted, and with how many blocks to spare: not tried again with as few.
  std::optional<std::pair<int64_t, int64_t>> refused_;
  SchedulerStats counts_;  // the part that counts since the start
};

}  // namespace kerf
