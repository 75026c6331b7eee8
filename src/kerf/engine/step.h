// Step: one forward pass of one microbatch, described flat; and StepOutput, the last stage's answer.
//
// Life of a step. Rank 0's scheduler makes it: every field is filled there and by nobody else. Stage 0's ranks get
// it from rank 0 by broadcast, later stages receive it ahead of the hidden states. Every stage
// runs the steps in the order of their ids. The last stage keeps what sampling needs per slot
// (SlotSampler), samples, and answers each step, in order, with one StepOutput for rank 0. A step
// without spans carries no work and has no answer: each rank passes it on, and with `stop` leaves its loop. An idle
// replica sends such steps so that its ranks, whose every wait has a deadline, wait on.
//
// A slot is a small number that stands for a sequence while it runs, in [0, max_num_seqs). Positions and token
// counts are in tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kerf/base/result.h"
#include "kerf/engine/request.h"
#include "kerf/engine/sampler.h"
#include "kerf/engine/wire.h"

namespace kerf {

enum class LogitsWanted : uint8_t {
  kNone,  // a prompt's chunk before its last: no row
  kLast,  // the span's last token's row, from which the next token is sampled
  kAll,   // every token's row, returned as it is (kerf score)
};

// Consecutive tokens of one sequence.
struct SequenceSpan {
  int32_t slot = 0;
  int32_t first_position = 0;  // of its first token; the KV of all before it is in the cache
  int32_t tokens = 0;          // at least 1
  int32_t blocks = 0;          // KV blocks of positions [0, first_position + tokens)
  LogitsWanted logits = LogitsWanted::kNone;
  size_t first_token = 0;  // where its tokens begin in Step::tokens; add_span and deserialize fill it
  size_t first_block = 0;  // where its blocks begin in Step::block_ids; likewise

  [[nodiscard]] int64_t rows() const {  // of logits
    return logits == LogitsWanted::kNone ? 0 : logits == LogitsWanted::kLast ? 1 : tokens;
  }
  bool operator==(const SequenceSpan&) const = default;
};

// What the last stage must know of a sequence; comes with the first step that has tokens of it.
struct NewSequence {
  int32_t slot = 0;
  RequestId request = 0;
  int32_t prompt_tokens = 0;        // tokens at positions from here on are output, for the penalties
  SamplingParams params;            // the sampler's part; the others are at their defaults
  std::vector<int32_t> cached_ids;  // tokens of its first positions, whose KV was in the cache: no step brings them
  bool operator==(const NewSequence&) const = default;
};

// What a receiver knows about itself, to judge a step by.
struct StepBounds {
  int64_t vocab_size;
  int64_t num_slots;
  int64_t num_blocks;
  int64_t block_size;
  int64_t max_model_len;
};

struct Step {
  int64_t id = 0;  // 0, 1, 2, …
  bool stop = false;
  std::vector<int32_t> released;     // slots whose sequences have ended; before `started`, which may reuse them
  std::vector<NewSequence> started;  // sequences whose first tokens are in this step
  std::vector<SequenceSpan> spans;   // at most one per slot
  std::vector<int32_t> tokens;       // token ids, span after span: the rows of the hidden states
  std::vector<int32_t> block_ids;    // span after span

  // blocks: those of positions [0, span.first_position + tokens.size()) or more; the rest is left out.
  void add_span(int32_t slot, int64_t first_position, std::span<const int32_t> tokens, std::span<const int32_t> blocks,
                int64_t block_size, LogitsWanted logits);

  [[nodiscard]] std::span<const int32_t> tokens_of(const SequenceSpan& span) const;
  [[nodiscard]] std::span<const int32_t> blocks_of(const SequenceSpan& span) const;
  // One per token: its position in its sequence.
  [[nodiscard]] std::vector<int32_t> positions() const;
  // The rows of the hidden states (indices into `tokens`) whose logits are wanted, in order.
  [[nodiscard]] std::vector<int64_t> wanted_rows() const;

  [[nodiscard]] Bytes serialize() const;
  // Fails on bytes that are no step; a step that comes back may be walked, but its ids are still to be judged.
  [[nodiscard]] static Result<Step> deserialize(std::span<const std::byte> bytes);
  // Fails when a slot, token, position or block lies outside what the receiver has.
  [[nodiscard]] Status check(const StepBounds& bounds) const;

  bool operator==(const Step&) const = default;
};

// The answer to one span whose logits were wanted.
struct OutputRow {
  int32_t slot = 0;
  SampledToken sampled;       // kLast
  std::vector<float> logits;  // kAll: [tokens, vocab] f32
  std::string error;          // not empty: nothing could be sampled, and this says why
  bool operator==(const OutputRow&) const = default;
};

struct StepOutput {
  int64_t step = 0;
  std::vector<OutputRow> rows;  // one per span with logits wanted, in the step's order; may be empty

  [[nodiscard]] Bytes serialize() const;
  [[nodiscard]] static Result<StepOutput> deserialize(std::span<const std::byte> bytes);
  bool operator==(const StepOutput&) const = default;
};

}  // namespace kerf
