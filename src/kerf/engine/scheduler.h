// Scheduler: decides which tokens of which sequences each step computes. A state machine without clock, thread or
// communication: the same calls give the same steps. Rank 0 owns the one scheduler of a replica.
//
// Policy. First come, first served. A step takes decodes first (one token each, the one that waits
// longest first) and fills the rest of its token budget with prompt chunks in order of arrival (chunked
// prefill, as in Sarathi-Serve, OSDI 2024).
//
// Pipeline. Up to `steps_in_flight` steps run at once. A sequence that samples in one of them waits for
// its output; chunks of one prompt follow each other without waiting, because every stage runs
// the steps in order. So that every stage has work, each step takes only its share: 1 / steps_in_flight of
// the decoding sequences and of the prompt tokens that are there to be computed.
//
// Memory. A request is admitted when a slot is free and when the KV blocks for its prompt and all of
// max_tokens are; nothing that runs is ever preempted. Until then it waits, and those behind it too.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/block_table.h"
#include "kerf/engine/request.h"
#include "kerf/engine/step.h"

namespace kerf {

struct SchedulerConfig {
  int64_t max_num_seqs = 256;             // sequences at once, and slots
  int64_t max_num_batched_tokens = 2048;  // tokens per step
  int64_t max_score_rows = 256;           // rows of logits per step that go to rank 0 whole
  int steps_in_flight = 1;                // pipeline stages
  int64_t max_model_len = 0;              // tokens of prompt and output together
  int64_t vocab_size = 0;
  int64_t num_blocks = 0;  // of the KV cache
  int64_t block_size = 0;  // positions per block
  std::vector<int32_t> eos_ids;

  [[nodiscard]] Status validate() const;
  [[nodiscard]] StepBounds bounds() const;
};

// What an output means for one request.
struct SequenceUpdate {
  RequestId request = 0;
  int64_t position = 0;                // of the token, or of the first row of logits
  std::optional<SampledToken> token;   // new; an end-of-sequence token is reported like any other
  std::vector<float> logits;           // a scored request's: [tokens, vocab] f32
  std::optional<FinishReason> finish;  // set: the last update of this request
  std::string error;                   // why, when finish is kError
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

  // Ends a request from outside: a stop string, a client that left. No update of it comes any more. Its
  // slot and blocks are free when no step in flight uses them. False when it is unknown or has ended.
  bool end(RequestId request);

  [[nodiscard]] int64_t num_waiting() const { return static_cast<int64_t>(waiting_.size()); }
  [[nodiscard]] int64_t num_running() const { return static_cast<int64_t>(running_.size()); }
  [[nodiscard]] int64_t num_free_blocks() const { return pool_.num_free(); }
  [[nodiscard]] int num_in_flight() const { return static_cast<int>(in_flight_.size()); }
  // Nothing to do until add().
  [[nodiscard]] bool idle() const { return waiting_.empty() && running_.empty() && in_flight_.empty(); }

 private:
  struct Sequence {
    Request request;
    std::vector<int32_t> tokens;  // prompt and output, by position
    int64_t scheduled = 0;        // positions [0, scheduled) are in steps already made
    int32_t slot = -1;
    BlockTable blocks;
    int in_flight = 0;   // steps
    bool ended = false;  // waits for in_flight to be 0

    [[nodiscard]] int64_t prompt_size() const { return static_cast<int64_t>(request.prompt_ids.size()); }
    [[nodiscard]] int64_t prompt_left() const { return ended || decoding() ? 0 : prompt_size() - scheduled; }
    [[nodiscard]] bool decoding() const { return scheduled >= prompt_size(); }
  };
  // One span of a step in flight.
  struct Part {
    RequestId request;
    int32_t slot;
    LogitsWanted logits;
    int64_t first_position;
    int64_t tokens;
    int64_t prompt_tokens;  // how many of them are prompt
  };
  struct InFlight {
    int64_t step;
    std::vector<Part> parts;
  };

  [[nodiscard]] int64_t positions_needed(const Request& request) const;
  void admit();
  void take_decodes(Step& step);
  void take_prompts(Step& step);
  void take(Sequence& sequence, int64_t tokens, LogitsWanted logits, Step& step);
  [[nodiscard]] Status check(const StepOutput& output) const;
  [[nodiscard]] SequenceUpdate apply(const Part& part, OutputRow row, Sequence& sequence);
  [[nodiscard]] std::optional<FinishReason> finish_reason(const Sequence& sequence) const;
  void retire(RequestId id);

  SchedulerConfig config_;
  BlockPool pool_;
  std::map<RequestId, Sequence> sequences_;  // waiting and running
  std::deque<RequestId> waiting_;            // in order of arrival
  std::vector<RequestId> running_;           // with slot and blocks, in order of arrival
  std::deque<RequestId> ready_;              // decoding, and their last token is known: longest waiting first
  std::vector<int32_t> free_slots_;          // a stack
  std::vector<int32_t> released_;            // to be told in the next step
  std::vector<Part> parts_;                  // of the step being made
  std::deque<InFlight> in_flight_;           // oldest first
  int64_t next_step_ = 0;
};

}  // namespace kerf
