#include "kerf/engine/step.h"

#include <algorithm>
#include <limits>

#include "kerf/base/check.h"
#include "kerf/engine/request_wire.h"

namespace kerf {
namespace {

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();

// First number of each message: what it is, and the version of its layout.
constexpr uint64_t kStepLayout = 0x5304;
constexpr uint64_t kOutputLayout = 0x4f01;

void expect_layout(WireReader& in, uint64_t layout) {
  if (in.u64() != layout) in.reject("it is of another kind or version");
}

void write(WireWriter& out, const NewSequence& sequence) {
  out.i64(sequence.slot);
  out.i64(sequence.request);
  out.i64(sequence.prompt_tokens);
  write_ids(out, sequence.cached_ids);
  write_params(out, sequence.params);
}

NewSequence read_new_sequence(WireReader& in) {
  NewSequence sequence;
  sequence.slot = in.i32_in(0, kMaxInt);
  sequence.request = in.i64();
  sequence.prompt_tokens = in.i32_in(1, kMaxInt);
  read_ids(in, sequence.cached_ids);
  sequence.params = read_params(in);
  return sequence;
}

}  // namespace

void Step::add_span(int32_t slot, int64_t first_position, std::span<const int32_t> span_tokens,
                    std::span<const int32_t> blocks, int64_t block_size, LogitsWanted logits) {
  const int64_t end = first_position + static_cast<int64_t>(span_tokens.size());
  const auto needed = static_cast<size_t>((end + block_size - 1) / block_size);
  KERF_CHECK(!span_tokens.empty() && end <= kMaxInt && needed <= blocks.size(), "a span without room in the KV cache");
  spans.push_back({slot, static_cast<int32_t>(first_position), static_cast<int32_t>(span_tokens.size()),
                   static_cast<int32_t>(needed), logits, tokens.size(), block_ids.size()});
  tokens.insert(tokens.end(), span_tokens.begin(), span_tokens.end());
  block_ids.insert(block_ids.end(), blocks.begin(), blocks.begin() + static_cast<ptrdiff_t>(needed));
}

std::span<const int32_t> Step::tokens_of(const SequenceSpan& span) const {
  return std::span(tokens).subspan(span.first_token, static_cast<size_t>(span.tokens));
}

std::span<const int32_t> Step::blocks_of(const SequenceSpan& span) const {
  return std::span(block_ids).subspan(span.first_block, static_cast<size_t>(span.blocks));
}

std::vector<int32_t> Step::positions() const {
  std::vector<int32_t> all;
  all.reserve(tokens.size());
  for (const SequenceSpan& span : spans) {
    for (int32_t i = 0; i < span.tokens; ++i) all.push_back(span.first_position + i);
  }
  return all;
}

std::vector<int64_t> Step::wanted_rows() const {
  std::vector<int64_t> rows;
  for (const SequenceSpan& span : spans) {
    const auto end = static_cast<int64_t>(span.first_token) + span.tokens;
    for (int64_t row = end - span.rows(); row < end; ++row) rows.push_back(row);
  }
  return rows;
}

Bytes Step::serialize() const {
  WireWriter out;
  out.u64(kStepLayout);
  out.i64(id);
  out.i64(stop ? 1 : 0);
  out.u64(released.size());
  out.differences(released);
  out.u64(started.size());
  for (const NewSequence& sequence : started) write(out, sequence);
  out.u64(spans.size());
  for (const SequenceSpan& span : spans) {
    out.i64(span.slot);
    out.i64(span.first_position);
    out.i64(static_cast<int64_t>(span.logits));
    write_ids(out, tokens_of(span));
    out.u64(static_cast<uint64_t>(span.blocks));
    out.differences(blocks_of(span));
  }
  return out.take();
}

Result<Step> Step::deserialize(std::span<const std::byte> bytes) {
  WireReader in(bytes, "step");
  expect_layout(in, kStepLayout);
  Step step;
  step.id = in.i64_in(0, std::numeric_limits<int64_t>::max());
  step.stop = in.flag();
  in.differences(in.length(), step.released);
  for (size_t n = in.length(); n > 0 && in.ok(); --n) step.started.push_back(read_new_sequence(in));
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    SequenceSpan span{.first_token = step.tokens.size(), .first_block = step.block_ids.size()};
    span.slot = in.i32_in(0, kMaxInt);
    span.first_position = in.i32_in(0, kMaxInt);
    span.logits = static_cast<LogitsWanted>(in.i64_in(0, static_cast<int64_t>(LogitsWanted::kAll)));
    read_ids(in, step.tokens);
    const size_t tokens = step.tokens.size() - span.first_token;
    if (tokens == 0 || tokens > static_cast<size_t>(kMaxInt - span.first_position)) in.reject("a span's length");
    const size_t blocks = in.length();
    in.differences(blocks, step.block_ids);
    span.tokens = static_cast<int32_t>(tokens);
    span.blocks = static_cast<int32_t>(blocks);
    step.spans.push_back(span);
  }
  KERF_TRY_STATUS(in.finish());
  return step;
}

Status Step::check(const StepBounds& bounds) const {
  const auto below = [](const std::vector<int32_t>& ids, int64_t end) {
    return std::all_of(ids.begin(), ids.end(), [end](int32_t x) { return x >= 0 && x < end; });
  };
  if (!below(tokens, bounds.vocab_size)) return fail("step {}: a token id is outside the vocabulary", id);
  if (!below(block_ids, bounds.num_blocks)) return fail("step {}: a KV block is outside the cache", id);
  if (!below(released, bounds.num_slots)) return fail("step {}: a released slot does not exist", id);
  for (const NewSequence& sequence : started) {
    if (sequence.slot >= bounds.num_slots) return fail("step {}: slot {} does not exist", id, sequence.slot);
    if (!below(sequence.cached_ids, bounds.vocab_size)) {
      return fail("step {}: a token id that the cache holds is outside the vocabulary", id);
    }
    for (const auto& [token, bias] : sequence.params.logit_bias) {
      if (token >= bounds.vocab_size) return fail("step {}: a biased token is outside the vocabulary", id);
    }
  }
  std::vector<bool> seen(static_cast<size_t>(bounds.num_slots), false);
  for (const SequenceSpan& span : spans) {
    if (span.slot >= bounds.num_slots) return fail("step {}: slot {} does not exist", id, span.slot);
    if (seen[static_cast<size_t>(span.slot)]) return fail("step {}: slot {} comes twice", id, span.slot);
    seen[static_cast<size_t>(span.slot)] = true;
    const int64_t end = int64_t{span.first_position} + span.tokens;
    if (end > bounds.max_model_len) return fail("step {}: position {} is beyond the model's length", id, end - 1);
    if (span.blocks != (end + bounds.block_size - 1) / bounds.block_size) {
      return fail("step {}: {} KV blocks for {} positions", id, span.blocks, end);
    }
  }
  return Ok{};
}

Bytes StepOutput::serialize() const {
  WireWriter out;
  out.u64(kOutputLayout);
  out.i64(step);
  out.u64(rows.size());
  for (const OutputRow& row : rows) {
    out.i64(row.slot);
    write_sampled_token(out, row.sampled);
    out.floats(row.logits);
    out.text(row.error);
  }
  return out.take();
}

Result<StepOutput> StepOutput::deserialize(std::span<const std::byte> bytes) {
  WireReader in(bytes, "step output");
  expect_layout(in, kOutputLayout);
  StepOutput output;
  output.step = in.i64_in(0, std::numeric_limits<int64_t>::max());
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    OutputRow& row = output.rows.emplace_back();
    row.slot = in.i32_in(0, kMaxInt);
    row.sampled = read_sampled_token(in);
    row.logits = in.floats();
    row.error = in.text();
  }
  KERF_TRY_STATUS(in.finish());
  return output;
}

}  // namespace kerf
