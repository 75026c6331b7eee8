#include "kerf/engine/step.h"

#include <algorithm>
#include <limits>

#include "kerf/base/check.h"

namespace kerf {
namespace {

constexpr int32_t kMaxInt = std::numeric_limits<int32_t>::max();

// First number of each message: what it is, and the version of its layout.
constexpr uint64_t kStepLayout = 0x5303;
constexpr uint64_t kOutputLayout = 0x4f01;

void expect_layout(WireReader& in, uint64_t layout) {
  if (in.u64() != layout) in.reject("it is of another kind or version");
}

void write_ids(WireWriter& out, std::span<const int32_t> ids) {
  for (const int32_t id : ids) out.u64(static_cast<uint64_t>(id));
}

void read_ids(WireReader& in, size_t count, std::vector<int32_t>& ids) {
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t id = in.u64();
    if (id > kMaxInt) in.reject("a token id is out of range");
    ids.push_back(static_cast<int32_t>(id));
  }
}

void write(WireWriter& out, const NewSequence& sequence) {
  const SamplingParams& params = sequence.params;
  out.i64(sequence.slot);
  out.i64(sequence.request);
  out.i64(sequence.prompt_tokens);
  out.u64(sequence.cached_ids.size());
  write_ids(out, sequence.cached_ids);
  for (const double x : {params.temperature, params.top_p, params.min_p, params.repetition_penalty,
                         params.frequency_penalty, params.presence_penalty}) {
    out.f64(x);
  }
  out.i64(params.top_k);
  out.u64(params.seed);
  out.i64(params.logprobs);
  out.u64(params.logit_bias.size());
  for (const auto& [id, bias] : params.logit_bias) {
    out.i64(id);
    out.f64(bias);
  }
  out.i64(params.min_tokens);
  out.u64(params.stop_token_ids.size());
  for (const int32_t id : params.stop_token_ids) out.i64(id);
  out.i64(params.ignore_eos ? 1 : 0);
  out.text(params.grammar);
}

NewSequence read_new_sequence(WireReader& in) {
  NewSequence sequence;
  SamplingParams& params = sequence.params;
  sequence.slot = in.i32_in(0, kMaxInt);
  sequence.request = in.i64();
  sequence.prompt_tokens = in.i32_in(1, kMaxInt);
  read_ids(in, in.length(), sequence.cached_ids);
  for (double* x : {&params.temperature, &params.top_p, &params.min_p, &params.repetition_penalty,
                    &params.frequency_penalty, &params.presence_penalty}) {
    *x = in.f64();
  }
  params.top_k = in.i32_in(-1, kMaxInt);
  params.seed = in.u64();
  params.logprobs = in.i32_in(-1, kMaxLogprobs);
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    auto& [id, bias] = params.logit_bias.emplace_back();
    id = in.i32_in(0, kMaxInt);
    bias = static_cast<float>(in.f64());
  }
  params.min_tokens = in.i64_in(0, std::numeric_limits<int64_t>::max());
  for (size_t n = in.length(); n > 0 && in.ok(); --n) params.stop_token_ids.push_back(in.i32_in(0, kMaxInt));
  params.ignore_eos = in.flag();
  params.grammar = in.text();
  if (const Status valid = params.validate(); in.ok() && !valid.ok()) in.reject(valid.error().message);
  return sequence;
}

void write(WireWriter& out, const SampledToken& sampled) {
  out.i64(sampled.token);
  out.f64(sampled.logprob);
  out.u64(sampled.top.size());
  for (const TokenLogprob& t : sampled.top) {
    out.i64(t.token);
    out.f64(t.logprob);
  }
}

SampledToken read_sampled_token(WireReader& in) {
  SampledToken sampled;
  sampled.token = in.i32_in(0, kMaxInt);
  sampled.logprob = in.f64();
  for (size_t n = in.length(); n > 0 && in.ok(); --n) {
    TokenLogprob& t = sampled.top.emplace_back();
    t.token = in.i32_in(0, kMaxInt);
    t.logprob = in.f64();
  }
  return sampled;
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
    out.u64(static_cast<uint64_t>(span.tokens));
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
    const size_t tokens = in.length();
    if (tokens == 0 || tokens > static_cast<size_t>(kMaxInt - span.first_position)) in.reject("a span's length");
    read_ids(in, tokens, step.tokens);
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
    write(out, row.sampled);
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
